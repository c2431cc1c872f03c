/** The quota of keys, over HTTP: what counts, what does not, and that nobody slips past it. */

import { env } from 'cloudflare:workers';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { describe, expect, test } from 'vitest';
import { IMPORTED, ISSUED, ORIGIN, outcomeOf } from '../../testing/api.ts';
import { createApp } from '../app.ts';
import { readConfig } from '../config.workers.ts';
import { tenantOf } from '../tenants/tenant.ts';
import { createWorkerDeps } from '../worker.ts';

type Json = Record<string, unknown>;

const config = readConfig(env);
const deps = await createWorkerDeps(config);

/** The application with a tenant of its own, which may have so many keys. */
function tenantWith(apiKeysMax: number) {
  const tenantId = crypto.randomUUID();
  const tenant = tenantOf(tenantId, { apiKeysMax }, config);
  const tenants = {
    byHost: async () => tenant,
    byId: async (id: string) => (id === tenantId ? tenant : undefined),
    all: async () => [tenant],
    forget: () => {},
  };
  const app = createApp({ ...deps, tenants, log: () => {} });
  const call = async (path: string, body: unknown): Promise<Response> =>
    app.fetch(
      new Request(`${ORIGIN}${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` },
        body: JSON.stringify(body),
      }),
    );
  return {
    tenantId,
    call,
    issue: (request: Json = {}) => call(ISSUED, { name: 'n', actor_id: 'a', ...request }),
    importKey: (request: Json = {}) =>
      call(IMPORTED, { name: 'n', actor_id: 'a', raw_key: crypto.randomUUID(), ...request }),
  };
}

const FULL = '402 api_key_quota_exceeded';
const idOf = async (response: Response): Promise<string> =>
  (await response.json()).issued_api_key.key_id;

describe('the quota', () => {
  test('counts issued and imported keys together', async () => {
    const { importKey, issue } = tenantWith(2);
    expect(await outcomeOf(await issue())).toBe('201');
    expect(await outcomeOf(await importKey())).toBe('201');
    expect(await outcomeOf(await issue())).toBe(FULL);
    expect(await outcomeOf(await importKey())).toBe(FULL);
  });

  test('counts the keys of this tenant alone', async () => {
    const [one, other] = [tenantWith(1), tenantWith(1)];
    expect(one.tenantId).not.toBe(DEFAULT_TENANT_ID);
    expect(await outcomeOf(await one.issue())).toBe('201');
    expect(await outcomeOf(await other.issue())).toBe('201');
  });

  test('counts expired and disabled keys, and no revoked ones', async () => {
    const { call, issue, tenantId } = tenantWith(1);
    const keyId = await idOf(await issue());
    await call(`${ISSUED}/${keyId}:disable`, {});
    expect(await outcomeOf(await issue())).toBe(FULL);
    const expire = 'UPDATE api_keys SET expire_time_ms = 1 WHERE nid = ?';
    await env.DB.prepare(expire).bind(tenantId).run();
    expect(await outcomeOf(await issue())).toBe(FULL);
    await call(`${ISSUED}/${keyId}:revoke`, {});
    expect(await outcomeOf(await issue())).toBe('201');
  });

  test('answers a request again although it is used up', async () => {
    const { issue } = tenantWith(1);
    const request = { request_id: 'r' };
    const keyId = await idOf(await issue(request));
    expect(await idOf(await issue(request))).toBe(keyId);
    expect(await outcomeOf(await issue({ request_id: 's' }))).toBe(FULL);
  });

  test('leaves a request_id free that it refused', async () => {
    const { call, issue } = tenantWith(1);
    const keyId = await idOf(await issue());
    expect(await outcomeOf(await issue({ request_id: 'r' }))).toBe(FULL);
    await call(`${ISSUED}/${keyId}:revoke`, {});
    expect(await outcomeOf(await issue({ request_id: 'r', name: 'other' }))).toBe('201');
  });

  test('says that a key exists rather than that it is used up', async () => {
    const { importKey } = tenantWith(1);
    await importKey({ raw_key: 'raw-key-of-the-quota' });
    const again = await importKey({ raw_key: 'raw-key-of-the-quota' });
    expect(await outcomeOf(again)).toBe('409 api_key_exists');
  });

  test('does not stand in the way of a rotation, but of one with overlap', async () => {
    const { call, issue } = tenantWith(1);
    const keyId = await idOf(await issue());
    const rotate = (id: string, body: unknown) => call(`${ISSUED}/${id}:rotate`, body);
    expect(await outcomeOf(await rotate(keyId, { overlap: '1h' }))).toBe(FULL);
    const nextId = await idOf(await rotate(keyId, {}));
    expect(await outcomeOf(await issue())).toBe(FULL);
    await call(`${ISSUED}/${nextId}:revoke`, {});
    expect(await outcomeOf(await issue())).toBe('201');
  });

  test('counts a key until its overlap is over', async () => {
    const { call, issue, tenantId } = tenantWith(2);
    const keyId = await idOf(await issue());
    await call(`${ISSUED}/${keyId}:rotate`, { overlap: '1h' });
    expect(await outcomeOf(await issue())).toBe(FULL);
    const pass = 'UPDATE api_keys SET overlap_end_ms = 1 WHERE nid = ? AND key_id = ?';
    await env.DB.prepare(pass).bind(tenantId, keyId).run();
    expect(await outcomeOf(await issue())).toBe('201');
  });

  test('takes as many of a batch as there is room for, in order', async () => {
    const { call, issue } = tenantWith(3);
    await issue();
    const request = () => ({ name: 'n', actor_id: 'a', raw_key: crypto.randomUUID() });
    const path = `${IMPORTED}:batchCreate`;
    const taken = request();
    const requests = [request(), {}, taken, taken, request(), request()];
    const { results } = await (await call(path, { requests })).json();
    expect(
      results.map(({ error_code: code }: Json) => String(code ?? '').split('ERROR_')[1] ?? ''),
    ).toEqual([
      ...['', 'INVALID_ARGUMENT', '', 'ALREADY_EXISTS'],
      ...['RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED'],
    ]);
    const full = await call(path, { requests: [request(), request()] });
    expect(await outcomeOf(full)).toBe(FULL);
  });

  test('lets nobody past it: twelve at once for five places', async () => {
    const { importKey, issue, tenantId } = tenantWith(5);
    const calls = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? issue() : importKey()));
    const outcomes = await Promise.all((await Promise.all(calls)).map(outcomeOf));
    expect(outcomes.filter((outcome) => outcome === '201')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === FULL)).toHaveLength(7);
    for (const table of ['api_keys', 'audit_events']) {
      const count = env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE nid = ?`);
      expect(await count.bind(tenantId).first()).toEqual({ n: 5 });
    }
  });
});
