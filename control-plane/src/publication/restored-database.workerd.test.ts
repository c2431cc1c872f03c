/**
 * Guarantee: after D1 was restored to an older state, what had been revoked since is refused again, by
 * the control plane as by edges, as soon as the publisher has run once (threat 33).
 */

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { headInKv, hub, publish, scopeIdOf } from '../../testing/hub.ts';

beforeAll(publish);

const TABLES = ['api_keys', 'revocations', 'publication_marks', 'audit_events', 'tenants'];

type Backup = ReadonlyArray<readonly [string, ReadonlyArray<Record<string, unknown>>]>;

async function backUp(): Promise<Backup> {
  return Promise.all(
    TABLES.map(async (table) => {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      return [table, results] as const;
    }),
  );
}

/** What Time Travel does to these tables: in one step they are as they were. */
async function restore(backup: Backup): Promise<void> {
  const statements = backup.flatMap(([table, rows]) => [
    env.DB.prepare(`DELETE FROM ${table}`),
    ...rows.map((row) => {
      const names = Object.keys(row);
      const places = names.map(() => '?').join(', ');
      const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`;
      return env.DB.prepare(insert).bind(...Object.values(row));
    }),
  ]);
  await env.DB.batch(statements);
}

const verify = async (credential: string) => {
  const response = await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } });
  const { is_valid: isValid, error_code: code } = await response.json();
  return isValid === true ? 'active' : code;
};
const derive = (credential: string) =>
  admin('/v2alpha1/admin/apiKeys:derive', { body: { credential } });

describe('a key that was revoked after the backup', () => {
  test('is refused by verify, derive and the feed after one cycle; others go on', async () => {
    const [revoked, other] = [await issue(), await issue()];
    const keyId = revoked.issued_api_key.key_id;
    await publish();
    const backup = await backUp();
    await admin(`${ISSUED}/${keyId}:revoke`, { body: {} });
    await publish();
    expect(await verify(revoked.secret)).toBe('VERIFICATION_ERROR_REVOKED');

    await restore(backup);
    expect(await verify(revoked.secret)).toBe('active'); // The loss is real.

    await publish();
    expect(await verify(revoked.secret)).toBe('VERIFICATION_ERROR_REVOKED');
    expect((await derive(revoked.secret)).status).toBeGreaterThanOrEqual(400);
    expect((await headInKv()).bounds.get(scopeIdOf(keyId))).toBe(0xffffffff);
    expect(await verify(other.secret)).toBe('active');
    expect((await derive(other.secret)).status).toBe(200);
    const rows = await env.DB.prepare(
      `SELECT cause, scope_id, acknowledged FROM revocations WHERE scope_id = ?`,
    )
      .bind(scopeIdOf(keyId))
      .all();
    expect(rows.results).toEqual([
      { cause: 'database.restored', scope_id: scopeIdOf(keyId), acknowledged: 1 },
    ]);
    const told = `SELECT count(*) AS n FROM audit_events WHERE operation = 'revocation.restore'`;
    expect(await env.DB.prepare(told).first()).toEqual({ n: 1 });
  });

  test('is revoked again also if the whole database is gone but for the key', async () => {
    const { issued_api_key: key, secret } = await issue();
    const backup = await backUp();
    await admin(`${ISSUED}/${key.key_id}:revoke`, { body: {} });
    await publish();
    await restore(backup.map(([table, rows]) => [table, table === 'api_keys' ? rows : []]));
    await publish();
    expect(await verify(secret)).toBe('VERIFICATION_ERROR_REVOKED');
  });
});

test('a key that was revoked since the last cycle is refused again, under the same mark', async () => {
  const { issued_api_key: key, secret } = await issue();
  await publish();
  const mark = async () =>
    (await env.DB.prepare('SELECT mark FROM publication_marks').first())?.mark;
  const backup = await backUp();
  const before = await mark();
  await admin(`${ISSUED}/${key.key_id}:revoke`, { body: {} });
  await restore(backup);
  expect(await mark()).toBe(before); // Nothing but the revocation is lacking.
  expect(await verify(secret)).toBe('active');

  await publish();
  expect(await verify(secret)).toBe('VERIFICATION_ERROR_REVOKED');
  const cause = 'SELECT cause FROM revocations WHERE scope_id = ?';
  expect(await env.DB.prepare(cause).bind(scopeIdOf(key.key_id)).all()).toMatchObject({
    results: [{ cause: 'database.restored' }],
  });
  // Once found it is looked for no more.
  await publish();
  expect(await takenInHub()).toBe(0);
});

const takenInHub = () =>
  runInDurableObject(
    hub(),
    (_hub: unknown, state: DurableObjectState) =>
      state.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM taken_entries').one().n,
  );

test('a database that was not restored is not written to', async () => {
  await publish();
  const before = await env.DB.prepare('SELECT * FROM revocations').all();
  await publish();
  await publish();
  const after = await env.DB.prepare('SELECT * FROM revocations').all();
  expect(after.results).toEqual(before.results);
});

test('a token of a restored key is refused by verify, too', async () => {
  const { issued_api_key: key, secret } = await issue();
  const { token } = await (await derive(secret)).json();
  await publish();
  expect(await verify(token.token)).toBe('active');
  const backup = await backUp();
  await admin(`${ISSUED}/${key.key_id}:revoke`, { body: {} });
  await publish();
  await restore(backup);
  await publish();
  expect(await verify(token.token)).not.toBe('active');
  expect(await outcomeOf(await admin(`${ISSUED}/${key.key_id}`))).toContain('200');
});
