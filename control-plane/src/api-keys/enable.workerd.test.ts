/** Disabling and enabling both kinds of key over HTTP: refused at once, whole again afterwards. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  admin,
  anonymous,
  IMPORTED,
  ISSUED,
  importKey,
  issue,
  outcomeOf,
} from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';

// Tokens are signed once the first signing key has been published.
beforeAll(publish);

const DERIVE = '/v2alpha1/admin/apiKeys:derive';
const SELF_REVOKE = '/v2alpha1/apiKeys:selfRevoke';

const verify = async (credential: string): Promise<Record<string, unknown>> =>
  (await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } })).json();
const derive = (credential: string) => admin(DERIVE, { body: { credential } });

const KINDS = [
  {
    kind: 'issued',
    path: ISSUED,
    make: async () => {
      const { issued_api_key: key, secret } = await issue();
      return { key, text: secret as string };
    },
  },
  {
    kind: 'imported',
    path: IMPORTED,
    make: async () => {
      const text = crypto.randomUUID();
      return { key: await importKey({ raw_key: text }), text };
    },
  },
] as const;

/** When a key was used is noted a moment later: not what these tests are about. */
function withoutUse({ last_used_time: _, ...key }: Record<string, unknown>) {
  return key;
}

describe.each(KINDS)('an $kind key', ({ make, path }) => {
  const set = (keyId: string, verb: 'enable' | 'disable', body: unknown = {}) =>
    admin(`${path}/${keyId}:${verb}`, { body });
  const get = async (keyId: string) => (await admin(`${path}/${keyId}`)).json();

  test('that is disabled is refused everywhere, and whole again when it is enabled', async () => {
    const { key, text } = await make();
    const { token } = (await (await derive(text)).json()).token;
    const disabled = await set(key.key_id, 'disable');
    expect(disabled.status).toBe(200);
    expect(disabled.headers.get('cardea-revocation')).toMatch(/^(acknowledged|accepted)$/);
    const shown = withoutUse(await disabled.json());
    expect(shown).toEqual({
      ...key,
      status: 'KEY_STATUS_DISABLED',
      update_time: expect.any(String),
      disable_time: shown.update_time,
    });
    expect(withoutUse(await get(key.key_id))).toEqual(shown);
    expect(await verify(text)).toMatchObject({ error_code: 'VERIFICATION_ERROR_DISABLED' });
    expect(await verify(token)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await outcomeOf(await derive(text))).toBe('401 api_key_disabled');

    const enabled = await set(key.key_id, 'enable');
    expect(enabled.status).toBe(200);
    expect(enabled.headers.has('cardea-revocation')).toBe(false);
    const whole = { ...key, update_time: expect.any(String) };
    expect(withoutUse(await enabled.json())).toEqual(whole);
    expect(await verify(text)).toMatchObject({ is_valid: true });
    expect(await verify(token)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    const { token: next } = (await (await derive(text)).json()).token;
    expect(await verify(next)).toMatchObject({ is_valid: true });
  });

  test.each(['enable', 'disable'] as const)('that is so already stays so: %s', async (verb) => {
    const { key } = await make();
    await set(key.key_id, verb);
    const before = await get(key.key_id);
    const events = await countOf('audit_events');
    const revocations = await countOf('revocations');
    const again = await set(key.key_id, verb);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(before);
    expect(await countOf('audit_events')).toBe(events);
    expect(await countOf('revocations')).toBe(revocations);
  });

  test.each(['enable', 'disable'] as const)('that is over is not touched by %s', async (verb) => {
    const { key: expired } = await make();
    const expire = 'UPDATE api_keys SET expire_time_ms = 1 WHERE key_id = ?';
    await env.DB.prepare(expire).bind(expired.key_id).run();
    const { key: revoked } = await make();
    await admin(`${path}/${revoked.key_id}:revoke`, { body: {} });
    for (const { key_id: keyId } of [expired, revoked]) {
      const before = await get(keyId);
      expect(await outcomeOf(await set(keyId, verb))).toBe('409 failed_precondition');
      expect(await get(keyId)).toEqual(before);
    }
  });

  test('that is disabled can be changed, revoked and listed as such', async () => {
    const actor = crypto.randomUUID();
    const { key } = await make();
    const { key: other } = await make();
    const move = 'UPDATE api_keys SET actor_id = ? WHERE key_id IN (?, ?)';
    await env.DB.prepare(move).bind(actor, key.key_id, other.key_id).run();
    await set(key.key_id, 'disable');
    const listed = async (status: string) => {
      const filter = encodeURIComponent(`actor_id="${actor}" AND status=KEY_STATUS_${status}`);
      const page = await (await admin(`${path}?filter=${filter}`)).json();
      const [keys] = Object.values(page) as { key_id: string }[][];
      return keys?.map(({ key_id: keyId }) => keyId);
    };
    expect(await listed('DISABLED')).toEqual([key.key_id]);
    expect(await listed('ACTIVE')).toEqual([other.key_id]);
    const rename = { method: 'PATCH', body: { name: 'n' } };
    const renamed = await (await admin(`${path}/${key.key_id}`, rename)).json();
    expect(renamed).toMatchObject({ name: 'n', status: 'KEY_STATUS_DISABLED' });
    await admin(`${path}/${key.key_id}:revoke`, { body: {} });
    expect(await listed('DISABLED')).toEqual([]);
    expect(await listed('REVOKED')).toEqual([key.key_id]);
    expect((await get(key.key_id)).status).toBe('KEY_STATUS_REVOKED');
  });

  test('that is disabled can still be ended by whoever holds it', async () => {
    const { key, text } = await make();
    await set(key.key_id, 'disable');
    const ended = await anonymous(SELF_REVOKE, { body: { credential: text } });
    expect(ended.status).toBe(200);
    expect((await get(key.key_id)).status).toBe('KEY_STATUS_REVOKED');
  });

  test.each(['enable', 'disable'] as const)('takes a body that is an object: %s', async (verb) => {
    const { key } = await make();
    expect(await outcomeOf(await set(key.key_id, verb, []))).toBe('400 bad_request');
    expect(await outcomeOf(await set(key.key_id, verb, '{'))).toBe('400 bad_request');
    const empty = await admin(`${path}/${key.key_id}:${verb}`, { method: 'POST' });
    expect(empty.status).toBe(200);
  });
});

test('a disabled key is not rotated', async () => {
  const { issued_api_key: key } = await issue();
  await admin(`${ISSUED}/${key.key_id}:disable`, { body: {} });
  const rotate = () => admin(`${ISSUED}/${key.key_id}:rotate`, { body: {} });
  expect(await outcomeOf(await rotate())).toBe('409 failed_precondition');
  await admin(`${ISSUED}/${key.key_id}:enable`, { body: {} });
  expect(await outcomeOf(await rotate())).toBe('201');
});

test.each(['enable', 'disable'])('%s of an unknown key is 404', async (verb) => {
  for (const id of [crypto.randomUUID(), 'x', 'ab'.repeat(32)]) {
    const answer = await admin(`${ISSUED}/${id}:${verb}`, { body: {} });
    expect(await outcomeOf(answer)).toBe('404 api_key_not_found');
  }
});

async function countOf(table: string): Promise<number> {
  return Number((await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first())?.n);
}
