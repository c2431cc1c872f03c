/**
 * Fails the n-th call of the database or the hub, for n = 1, 2, … until a clean run, before its
 * effect and after it (the answer is lost): an operation happens whole or not at all, a client may
 * always repeat it, and every committed revocation reaches the feed.
 */

import { env } from 'cloudflare:workers';
import { formatScopeId, scopeIdOfKey } from '@cardea/shared/feed/scope-id';
import { describe, expect, test } from 'vitest';
import { admin, IMPORTED, ISSUED, importKey, issue, outcomeOf } from '../../testing/api.ts';
import { createFaultyApp, type FaultyApp } from '../../testing/faulty-app.ts';
import { headInKv, publish } from '../../testing/hub.ts';

const CALLS_MAX = 30;

interface Row {
  readonly key_id: string;
  readonly state: string;
  readonly revocation_id: string | null;
}

async function rows<T>(sql: string, ...parameters: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(sql)
    .bind(...parameters)
    .all<T>();
  return results;
}

const keysNamed = (name: string) =>
  rows<Row>('SELECT key_id, state, revocation_id FROM api_keys WHERE name = ?', name);

async function revocationsOfKey(keyId: string) {
  const scopeId = scopeIdOfKey(keyId);
  if (scopeId === undefined) throw new Error('Not a key id.');
  return rows<{ revocation_id: string }>(
    'SELECT revocation_id FROM revocations WHERE scope_id = ?',
    formatScopeId(scopeId),
  );
}

/** What the audit log tells of a key, oldest first. */
async function eventsOf(keyId: string | undefined): Promise<string[]> {
  const sql = 'SELECT operation FROM audit_events WHERE target_id = ? ORDER BY time_ms, rowid';
  return (await rows<{ operation: string }>(sql, keyId ?? '')).map(({ operation }) => operation);
}

/** A key is revoked exactly if its one revocation row is there. */
async function checkWhole(key: Row): Promise<void> {
  const revocations = await revocationsOfKey(key.key_id);
  const expected = key.state === 'revoked' ? [{ revocation_id: key.revocation_id }] : [];
  expect(revocations).toEqual(expected);
}

/** Runs `operation` with a fault at each of its calls; `check` after the fault, `repeat` at last. */
async function everyFault(
  mode: 'before' | 'after',
  run: (app: FaultyApp, failAt: number) => Promise<void>,
): Promise<readonly string[]> {
  for (let n = 1; n < CALLS_MAX; n++) {
    const app = await createFaultyApp();
    app.faults.mode = mode;
    await run(app, n);
    if (app.faults.calls < n) return app.faults.names;
  }
  throw new Error('The operation makes more calls than expected.');
}

/** One call with the n-th of its inner calls failing. */
async function withFault(
  { faults }: FaultyApp,
  failAt: number,
  call: () => Promise<Response>,
): Promise<Response> {
  faults.calls = 0;
  faults.names.length = 0;
  faults.failAt = failAt;
  const answer = await call();
  faults.failAt = Number.POSITIVE_INFINITY;
  return answer;
}

/** A fault of the database is an outage; one of the hub delays the feed and nothing else. */
async function expectHonest(answer: Response): Promise<void> {
  const outcome = await outcomeOf(answer.clone());
  expect(outcome).toMatch(/^(20[0-4]|503 service_unavailable)$/);
  if (answer.status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

/** What an edge will read once the publisher has run. */
async function isInFeed(keyId: string): Promise<boolean> {
  const scopeId = scopeIdOfKey(keyId);
  return scopeId !== undefined && (await headInKv()).bounds.has(formatScopeId(scopeId));
}

describe.each(['before', 'after'] as const)('a call that fails %s its effect', (mode) => {
  test('issue: one key for one request_id, however often it is asked for', async () => {
    const calls = await everyFault(mode, async (app, failAt) => {
      const requestId = crypto.randomUUID();
      const body = { name: requestId, actor_id: 'alice', request_id: requestId };
      const answer = await withFault(app, failAt, () => app.post(ISSUED, body));
      await expectHonest(answer);
      const stored = await keysNamed(requestId);
      expect(stored.length).toBeLessThanOrEqual(1);
      if (answer.status === 201) expect(stored).toHaveLength(1);
      expect(await outcomeOf(await app.post(ISSUED, body))).toBe('201');
      expect(await keysNamed(requestId)).toHaveLength(1);
    });
    expect(calls.length).toBeGreaterThan(0);
  });

  test('rotate: the old key ends exactly if the new one exists', async () => {
    const revoked: string[] = [];
    const calls = await everyFault(mode, async (app, failAt) => {
      const name = crypto.randomUUID();
      const { issued_api_key: old } = await issue({ name });
      const rotate = () => app.post(`${ISSUED}/${old.key_id}:rotate`, {});
      await expectHonest(await withFault(app, failAt, rotate));
      const stored = await keysNamed(name);
      for (const key of stored) await checkWhole(key);
      const states = stored.map(({ state }) => state).sort();
      expect([['active'], ['active', 'revoked']]).toContainEqual(states);
      if (states.length === 1) expect(await outcomeOf(await rotate())).toBe('201');
      else expect(await outcomeOf(await rotate())).toBe('409 failed_precondition');
      revoked.push(old.key_id);
    });
    expect(calls.length).toBeGreaterThan(1);
    await publish();
    for (const keyId of revoked) expect(await isInFeed(keyId)).toBe(true);
  });

  test.each([
    ['revoke', (app: FaultyApp, keyId: string) => app.post(`${ISSUED}/${keyId}:revoke`, {})],
    [
      'self-revoke',
      (app: FaultyApp, _keyId: string, secret: string) =>
        app.post('/v2alpha1/apiKeys:selfRevoke', { credential: secret }),
    ],
  ] as const)('%s: the key ends exactly if its revocation is there', async (verb, call) => {
    const revoked: string[] = [];
    const calls = await everyFault(mode, async (app, failAt) => {
      const name = crypto.randomUUID();
      const { issued_api_key: key, secret } = await issue({ name });
      const revoke = () => call(app, key.key_id, secret);
      await expectHonest(await withFault(app, failAt, revoke));
      const [stored] = await keysNamed(name);
      if (stored === undefined) throw new Error('The key is gone.');
      await checkWhole(stored);
      const again = await outcomeOf(await revoke());
      const repeated = verb === 'revoke' ? '409 conflict' : '200';
      const first = verb === 'revoke' ? '204' : '200';
      expect(again).toBe(stored.state === 'revoked' ? repeated : first);
      revoked.push(key.key_id);
    });
    expect(calls.length).toBeGreaterThan(1);
    await publish();
    for (const keyId of revoked) expect(await isInFeed(keyId)).toBe(true);
    const { issued_api_key: live } = await issue();
    expect(await isInFeed(live.key_id)).toBe(false);
    expect((await admin(`${ISSUED}/${live.key_id}`)).status).toBe(200);
  });

  test('import: one key for one request_id, and its event, however often it is asked for', async () => {
    const calls = await everyFault(mode, async (app, failAt) => {
      const name = crypto.randomUUID();
      const body = { name, actor_id: 'alice', raw_key: `raw-${name}`, request_id: name };
      const answer = await withFault(app, failAt, () => app.post(IMPORTED, body));
      await expectHonest(answer);
      const stored = await keysNamed(name);
      expect(await eventsOf(stored[0]?.key_id)).toHaveLength(stored.length);
      if (answer.status === 201) expect(stored).toHaveLength(1);
      expect(await outcomeOf(await app.post(IMPORTED, body))).toBe('201');
      const [key] = await keysNamed(name);
      expect(await eventsOf(key?.key_id)).toEqual(['api_key.import']);
    });
    expect(calls.length).toBeGreaterThan(0);
  });

  test('batchCreate: each key with its event, or neither', async () => {
    const calls = await everyFault(mode, async (app, failAt) => {
      const name = crypto.randomUUID();
      const requests = [1, 2, 3].map((n) => ({
        ...{
          name,
          actor_id: 'alice',
          raw_key: `raw-${name}-${n}`,
          request_id: `${n}${name.slice(2)}`,
        },
      }));
      const path = `${IMPORTED}:batchCreate`;
      await expectHonest(await withFault(app, failAt, () => app.post(path, { requests })));
      for (const key of await keysNamed(name)) {
        expect(await eventsOf(key.key_id)).toEqual(['api_key.import']);
      }
      const again = await (await app.post(path, { requests })).json();
      expect(again).toMatchObject({ success_count: 3, failure_count: 0 });
      expect(await keysNamed(name)).toHaveLength(3);
    });
    expect(calls.length).toBeGreaterThan(0);
  });

  test('update: the change, its event and its cut-off, or none of them', async () => {
    const cut: string[] = [];
    const calls = await everyFault(mode, async (app, failAt) => {
      const { key_id: keyId } = await importKey({ scopes: ['a', 'b'] });
      const path = `${IMPORTED}/${keyId}?revoke_derived=true`;
      const update = () => app.call('PATCH', path, { scopes: ['a'] });
      await expectHonest(await withFault(app, failAt, update));
      const { scopes } = await (await admin(`${IMPORTED}/${keyId}`)).json();
      const isChanged = scopes.length === 1;
      const events = await eventsOf(keyId);
      expect(events).toEqual(['api_key.import', ...(isChanged ? ['api_key.update'] : [])]);
      expect(await revocationsOfKey(keyId)).toHaveLength(isChanged ? 1 : 0);
      expect(await outcomeOf(await update())).toBe('200');
      cut.push(keyId);
    });
    expect(calls.length).toBeGreaterThan(1);
    await publish();
    for (const keyId of cut) expect(await isInFeed(keyId)).toBe(true);
  });

  test('disable and enable: the state, its event and its cut-off, or none of them', async () => {
    const cut: string[] = [];
    const calls = await everyFault(mode, async (app, failAt) => {
      const { issued_api_key: key } = await issue();
      const { key_id: keyId } = key;
      const set = (verb: string) => app.post(`${ISSUED}/${keyId}:${verb}`, {});
      const status = async () => (await (await admin(`${ISSUED}/${keyId}`)).json()).status;
      await expectHonest(await withFault(app, failAt, () => set('disable')));
      const isDisabled = (await status()) === 'KEY_STATUS_DISABLED';
      const events = await eventsOf(keyId);
      expect(events).toEqual(['api_key.issue', ...(isDisabled ? ['api_key.disable'] : [])]);
      expect(await revocationsOfKey(keyId)).toHaveLength(isDisabled ? 1 : 0);
      expect(await outcomeOf(await set('disable'))).toBe('200');
      expect(await eventsOf(keyId)).toHaveLength(2);
      await expectHonest(await withFault(app, failAt, () => set('enable')));
      expect(await eventsOf(keyId)).toHaveLength((await status()) === 'KEY_STATUS_ACTIVE' ? 3 : 2);
      expect(await outcomeOf(await set('enable'))).toBe('200');
      expect(await eventsOf(keyId)).toHaveLength(3);
      cut.push(keyId);
    });
    expect(calls.length).toBeGreaterThan(1);
    await publish();
    for (const keyId of cut) expect(await isInFeed(keyId)).toBe(true);
  });

  test('delete: the row is gone exactly if its event and its cut-off are there', async () => {
    const cut: string[] = [];
    const calls = await everyFault(mode, async (app, failAt) => {
      const { key_id: keyId } = await importKey();
      const remove = () => app.call('DELETE', `${IMPORTED}/${keyId}`);
      await expectHonest(await withFault(app, failAt, remove));
      const isGone = (await admin(`${IMPORTED}/${keyId}`)).status === 404;
      const events = await eventsOf(keyId);
      expect(events).toEqual(['api_key.import', ...(isGone ? ['api_key.delete'] : [])]);
      expect(await revocationsOfKey(keyId)).toHaveLength(isGone ? 1 : 0);
      expect(await outcomeOf(await remove())).toMatch(isGone ? /^404 / : /^20[24]$/);
      cut.push(keyId);
    });
    expect(calls.length).toBeGreaterThan(1);
    await publish();
    for (const keyId of cut) expect(await isInFeed(keyId)).toBe(true);
  });

  test('rotate with overlap: two keys and a date, or one key', async () => {
    const calls = await everyFault(mode, async (app, failAt) => {
      const name = crypto.randomUUID();
      const { issued_api_key: old } = await issue({ name });
      const rotate = () => app.post(`${ISSUED}/${old.key_id}:rotate`, { overlap: '1h' });
      await expectHonest(await withFault(app, failAt, rotate));
      const isDone = (await keysNamed(name)).length === 2;
      const shown = await (await admin(`${ISSUED}/${old.key_id}`)).json();
      expect('overlap_end_time' in shown).toBe(isDone);
      expect(shown.status).toBe('KEY_STATUS_ACTIVE');
      expect(await revocationsOfKey(old.key_id)).toHaveLength(isDone ? 1 : 0);
      const again = await outcomeOf(await rotate());
      expect(again).toBe(isDone ? '409 failed_precondition' : '201');
    });
    expect(calls.length).toBeGreaterThan(0);
  });
});
