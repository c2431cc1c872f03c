/** Twelve at once on the real D1: one winner, exact codes for the others, and one event for each change. */

import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { admin, IMPORTED, ISSUED, importKey, issue, outcomeOf } from '../../testing/api.ts';

const TIMES = 12;

/** How often each outcome came. */
async function outcomesOf(call: (n: number) => Promise<Response>): Promise<Record<string, number>> {
  const answers = await Promise.all(Array.from({ length: TIMES }, (_, n) => call(n)));
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    // Whether the hub has heard of it yet is not the point here.
    const outcome = (await outcomeOf(answer)).replace('202', '204');
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

async function countOf(sql: string, ...parameters: string[]): Promise<number> {
  const row = await env.DB.prepare(sql)
    .bind(...parameters)
    .first();
  return Number(row?.n);
}

const eventsOf = (keyId: string, operation: string) =>
  countOf(
    'SELECT count(*) AS n FROM audit_events WHERE target_id = ? AND operation = ?',
    ...[keyId, operation],
  );
const revocationsBy = (keyId: string) =>
  countOf(
    `SELECT count(*) AS n FROM revocations r JOIN api_keys k ON k.revocation_id = r.revocation_id
     WHERE k.key_id = ?`,
    keyId,
  );
const keysNamed = (name: string) =>
  countOf('SELECT count(*) AS n FROM api_keys WHERE name = ?', name);

test.each([
  ['at once', {}],
  ['with overlap', { overlap: '1h' }],
])('rotate %s: one new key', async (_, body) => {
  const name = crypto.randomUUID();
  const { issued_api_key: key } = await issue({ name });
  const path = `${ISSUED}/${key.key_id}:rotate`;
  expect(await outcomesOf(() => admin(path, { body }))).toEqual({
    '201': 1,
    '409 failed_precondition': TIMES - 1,
  });
  expect(await keysNamed(name)).toBe(2);
  expect(await eventsOf(key.key_id, 'api_key.rotate')).toBe(1);
  expect(await revocationsBy(key.key_id)).toBe(1);
});

test.each<[string, string, () => Promise<{ key_id: string }>]>([
  ['issued', ISSUED, async () => (await issue()).issued_api_key],
  ['imported', IMPORTED, () => importKey()],
])('revoke of an %s key: once', async (_, ...[path, make]) => {
  const { key_id: keyId } = await make();
  expect(await outcomesOf(() => admin(`${path}/${keyId}:revoke`, { body: {} }))).toEqual({
    '204': 1,
    '409 conflict': TIMES - 1,
  });
  expect(await eventsOf(keyId, 'api_key.revoke')).toBe(1);
  expect(await revocationsBy(keyId)).toBe(1);
});

test('update: each is made from what the one before left, or refused', async () => {
  const { key_id: keyId } = await importKey({ scopes: ['s'] });
  const place = `${IMPORTED}/${keyId}`;
  const counts = await outcomesOf((n) =>
    admin(place, {
      method: 'PATCH',
      body: n % 2 === 0 ? { name: `n${n}` } : { scopes: [`s${n}`] },
    }),
  );
  const { '200': updated = 0, '409 conflict': refused = 0 } = counts;
  expect(updated + refused).toBe(TIMES);
  expect(updated).toBeGreaterThanOrEqual(8); // Whoever tries eight times loses to seven others.
  expect(await eventsOf(keyId, 'api_key.update')).toBe(updated);
  const revision = 'SELECT revision AS n FROM api_keys WHERE key_id = ?';
  expect(await countOf(revision, keyId)).toBe(1 + updated);
  const changes = await env.DB.prepare(
    `SELECT changes FROM audit_events WHERE target_id = ? AND operation = 'api_key.update'`,
  )
    .bind(keyId)
    .all<{ changes: string }>();
  // No change was made from a value that another one had replaced already: each value is left once.
  for (const field of ['name', 'scopes']) {
    const left = changes.results.flatMap(({ changes: text }) => {
      const change = JSON.parse(text)[field];
      return change === undefined ? [] : [JSON.stringify(change.before)];
    });
    expect(new Set(left).size).toBe(left.length);
  }
});

test('disable: one cut-off, and every caller gets the disabled key', async () => {
  const { issued_api_key: key } = await issue();
  const path = `${ISSUED}/${key.key_id}:disable`;
  expect(await outcomesOf(() => admin(path, { body: {} }))).toEqual({ '200': TIMES });
  expect(await eventsOf(key.key_id, 'api_key.disable')).toBe(1);
});

test('delete: once', async () => {
  const { key_id: keyId } = await importKey();
  const remove = () => admin(`${IMPORTED}/${keyId}`, { method: 'DELETE' });
  expect(await outcomesOf(remove)).toEqual({ '204': 1, '404 api_key_not_found': TIMES - 1 });
  expect(await eventsOf(keyId, 'api_key.delete')).toBe(1);
});

test('issue with one request_id: one key, one secret', async () => {
  const name = crypto.randomUUID();
  const body = { name, actor_id: 'alice', request_id: name };
  const answers = await Promise.all(Array.from({ length: TIMES }, () => admin(ISSUED, { body })));
  const issued = await Promise.all(answers.map((answer) => answer.json()));
  expect(answers.map(({ status }) => status)).toEqual(Array(TIMES).fill(201));
  expect(new Set(issued.map(({ issued_api_key: key }) => key.key_id)).size).toBe(1);
  expect(issued.filter(({ secret }) => secret !== '')).toHaveLength(1);
  expect(await keysNamed(name)).toBe(1);
  expect(await eventsOf(issued[0].issued_api_key.key_id, 'api_key.issue')).toBe(1);
});

test('issue with one request_id for different keys: one key, conflicts', async () => {
  const id = crypto.randomUUID();
  const request = (n: number) => ({ name: `${id}-${n}`, actor_id: 'alice', request_id: id });
  expect(await outcomesOf((n) => admin(ISSUED, { body: request(n) }))).toEqual({
    '201': 1,
    '409 conflict': TIMES - 1,
  });
});

test('import of one key: once; with one request_id: the same key', async () => {
  const name = crypto.randomUUID();
  const body = { name, actor_id: 'alice', raw_key: `raw-${name}` };
  expect(await outcomesOf(() => admin(IMPORTED, { body }))).toEqual({
    '201': 1,
    '409 api_key_exists': TIMES - 1,
  });
  const other = crypto.randomUUID();
  const again = { ...body, name: other, raw_key: `raw-${other}`, request_id: other };
  expect(await outcomesOf(() => admin(IMPORTED, { body: again }))).toEqual({ '201': TIMES });
  expect(await keysNamed(other)).toBe(1);
});

test('batches with the same keys: each key once', async () => {
  const name = crypto.randomUUID();
  const requests = [1, 2, 3, 4, 5].map((n) => ({
    name,
    actor_id: 'a',
    raw_key: `raw-${name}-${n}`,
  }));
  const path = `${IMPORTED}:batchCreate`;
  expect(await outcomesOf(() => admin(path, { body: { requests } }))).toEqual({
    '200': 1,
    '409 api_key_exists': TIMES - 1,
  });
  expect(await keysNamed(name)).toBe(5);
});

test('revoke against rotate: the key ends once, by one of them', async () => {
  const name = crypto.randomUUID();
  const { issued_api_key: key } = await issue({ name });
  const place = `${ISSUED}/${key.key_id}`;
  const counts = await outcomesOf((n) =>
    admin(`${place}:${n % 2 === 0 ? 'rotate' : 'revoke'}`, { body: {} }),
  );
  const { '201': rotated = 0, '204': revoked = 0 } = counts;
  expect(rotated + revoked).toBe(1);
  expect(await keysNamed(name)).toBe(1 + rotated);
  expect(await revocationsBy(key.key_id)).toBe(1);
});
