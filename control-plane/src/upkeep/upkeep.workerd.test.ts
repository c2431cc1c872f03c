/** Guarantee: what is over goes, nothing else does, and a replaced master secret leaves nothing behind. */

import { env } from 'cloudflare:workers';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { randomBytes } from '@cardea/shared/crypto/random';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.workers.ts';
import { createSigningKeyStore } from '../database/signing-key-store.d1.ts';
import { createStoredSecretStore } from '../database/stored-secret-store.d1.ts';
import { createUpkeepStore } from '../database/upkeep-store.d1.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { generateSigningKey, openSigningKey } from '../signing-keys/sealed-signing-key.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { storedSecret } from '../tokens/stored-secret.ts';
import { resealSecrets } from './reseal-secrets.ts';
import { createUpkeep } from './upkeep.ts';

const DAY = 24 * 60 * 60;
const TABLES = [
  ...['api_keys', 'revocations', 'idempotent_requests', 'admin_credentials'],
  ...['signing_keys', 'stored_secrets', 'audit_events'],
];

beforeEach(async () => {
  for (const table of TABLES) await env.DB.exec(`DELETE FROM ${table}`);
});

const run = (statement: string, parameters: unknown[] = []) =>
  env.DB.prepare(statement)
    .bind(...parameters)
    .run();

/** Durations are seconds from now; negative ones lie behind. */
const inSeconds = (seconds: number | null) =>
  seconds === null ? 'NULL' : `(unixepoch() + ${seconds}) * 1000`;

const insertKey = (id: string, key: { state?: string; expire?: number | null; overlap?: number }) =>
  run(
    `INSERT INTO api_keys (nid, key_id, kind, name, actor_id, scopes, state, visibility, secret_hash,
       create_time_ms, update_time_ms, expire_time_ms, overlap_end_ms)
     VALUES ('t', ?, 'issued', 'n', 'a', '[]', ?, 'secret', '', 0, 0,
       ${inSeconds(key.expire ?? null)}, ${inSeconds(key.overlap ?? null)})`,
    [id, key.state ?? 'active'],
  );
const insertRevocation = (id: string, expiresIn: number) =>
  run(
    `INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
       expires_at_s) VALUES (?, 't', 'key', '0', 1, 'test', 0, unixepoch() + ?)`,
    [id, expiresIn],
  );
const insertRequest = (id: string, age: number) =>
  run(
    `INSERT INTO idempotent_requests VALUES ('t', 'api_key.issue', ?, 'h', 'k', ${inSeconds(-age)})`,
    [id],
  );
const insertCredential = (id: string, expire: number | null, revoke: number | null) =>
  run(
    `INSERT INTO admin_credentials (credential_id, name, role, secret_hash, create_time_ms,
       expire_time_ms, revoke_time_ms)
     VALUES (?, 'n', 'owner', 'h', 0, ${inSeconds(expire)}, ${inSeconds(revoke)})`,
    [id],
  );

async function idsOf(table: string, column: string): Promise<string[]> {
  const { results } = await env.DB.prepare(`SELECT ${column} AS id FROM ${table}`).all<{
    id: string;
  }>();
  return results.map(({ id }) => id).sort();
}

async function keysOf(current: string, retired = '') {
  const settings = { CARDEA_SECRET: current, CARDEA_SECRET_RETIRED: retired };
  return deriveMasterKeys(parseConfig({ ...env, ...settings }));
}

const secret = () => encodeHex(randomBytes(32));

async function partsWith(keyEncryption: Awaited<ReturnType<typeof keysOf>>['keyEncryption']) {
  const logged: Array<[string, object]> = [];
  let began: number | undefined;
  const clock = { at: Date.now(), now: () => unixMilliseconds(clock.at) };
  const parts = {
    store: createUpkeepStore(env.DB),
    auditEvents: { sealedFrom: async () => [] },
    config: { keyRetentionDays: 30, auditRetentionDays: 400 },
    ...{ keyEncryption, randomBytes },
    signingKeys: createSigningKeyStore(env.DB),
    secrets: createStoredSecretStore(env.DB),
    schedule: {
      lastBegan: async () => began,
      began: async (at: number) => {
        began = at;
      },
    },
    clock,
    log: (_level: string, event: string, fields: object) => logged.push([event, fields]),
  };
  return { parts: parts as never as Parameters<typeof createUpkeep>[0], logged, clock };
}

describe('rows that are over', () => {
  test('go, and no others', async () => {
    await insertKey('forever', {});
    await insertKey('live', { expire: 60 });
    await insertKey('expired lately', { expire: -29 * DAY });
    await insertKey('expired long ago', { expire: -30 * DAY - 1 });
    await insertKey('revoked, kept', { state: 'revoked', expire: 60 });
    await insertKey('revoked, over', { state: 'revoked', expire: -1 });
    await insertKey('rotated, kept', { overlap: -60, expire: 60 });
    await insertKey('rotated, over', { overlap: -31 * DAY, expire: -1 });
    await insertRevocation('live', 60);
    await insertRevocation('expired lately', -60);
    await insertRevocation('expired', -3601);
    await insertRequest('young', DAY - 60);
    await insertRequest('old', DAY + 1);
    await insertCredential('live', null, null);
    await insertCredential('in overlap', null, 60);
    await insertCredential('ended lately', -60, null);
    await insertCredential('expired', -31 * DAY, null);
    await insertCredential('revoked', 60, -31 * DAY);

    const { parts, logged } = await partsWith((await keysOf(secret())).keyEncryption);
    await createUpkeep(parts).runIfDue();
    expect(await idsOf('api_keys', 'key_id')).toEqual(
      ['expired lately', 'forever', 'live', 'revoked, kept', 'rotated, kept'].sort(),
    );
    expect(await idsOf('revocations', 'revocation_id')).toEqual(['expired lately', 'live']);
    expect(await idsOf('idempotent_requests', 'request_id')).toEqual(['young']);
    expect(await idsOf('admin_credentials', 'credential_id')).toEqual(
      ['ended lately', 'in overlap', 'live'].sort(),
    );
    expect(logged).toEqual([
      ['rows_removed', { what: 'idempotent_requests', count: 1 }],
      ['rows_removed', { what: 'api_keys', count: 3 }],
      ['rows_removed', { what: 'revocations', count: 1 }],
      ['rows_removed', { what: 'admin_credentials', count: 2 }],
    ]);
  });

  test('go in bounded statements, all the same', async () => {
    await run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
       INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
         expires_at_s) SELECT 'r' || i, 't', 'key', '0', 1, 'test', 0, 0 FROM n`,
    );
    const { parts, logged } = await partsWith((await keysOf(secret())).keyEncryption);
    await createUpkeep(parts).runIfDue();
    expect(logged).toEqual([['rows_removed', { what: 'revocations', count: 1201 }]]);
  });

  test('are looked for once an hour', async () => {
    const { parts, clock } = await partsWith((await keysOf(secret())).keyEncryption);
    const upkeep = createUpkeep(parts);
    await upkeep.runIfDue();
    await insertRevocation('expired', -3601);
    clock.at += 3_599_000;
    await createUpkeep(parts).runIfDue();
    expect(await idsOf('revocations', 'revocation_id')).toEqual(['expired']);
    clock.at += 1000;
    await upkeep.runIfDue();
    expect(await idsOf('revocations', 'revocation_id')).toEqual([]);
  });

  test('of one kind do not wait for those of another', async () => {
    await insertRevocation('expired', -3601);
    const { parts, logged } = await partsWith((await keysOf(secret())).keyEncryption);
    const { store } = parts;
    const failing = {
      removeOutlived: async (...call: Parameters<typeof store.removeOutlived>) => {
        if (call[0] === 'api_keys') throw new StoreUnavailable();
        return store.removeOutlived(...call);
      },
    };
    await createUpkeep({ ...parts, store: failing }).runIfDue();
    expect(await idsOf('revocations', 'revocation_id')).toEqual([]);
    expect(logged).toContainEqual([
      'upkeep_failed',
      { step: 'api_keys', error: 'StoreUnavailable' },
    ]);
  });
});

describe('a replaced master secret', () => {
  const [former, current] = [secret(), secret()];
  const name = 'audit-log/v1';

  async function sealUnder(master: string) {
    const { keyEncryption } = await keysOf(master);
    const means = { keyEncryption, randomBytes };
    const key = await generateSigningKey(
      { tenantId: DEFAULT_TENANT_ID, algorithm: 'EdDSA' },
      means,
    );
    await createSigningKeyStore(env.DB).insertFirst(key);
    const store = createStoredSecretStore(env.DB);
    return { key, value: await storedSecret(name, { ...means, store }) };
  }

  test('needs its predecessor until everything is sealed anew, and not any more then', async () => {
    const sealed = await sealUnder(former);
    const both = await keysOf(current, former);
    const { parts, logged } = await partsWith(both.keyEncryption);
    await createUpkeep(parts).runIfDue();
    expect(logged).toContainEqual(['retired_secrets_hold_nothing', { resealed: 2 }]);

    const alone = (await keysOf(current)).keyEncryption;
    const store = createStoredSecretStore(env.DB);
    const means = { keyEncryption: alone, randomBytes, store };
    expect(await storedSecret(name, means)).toEqual(sealed.value);
    const [key] = await createSigningKeyStore(env.DB).listSealed();
    const opened = { ...sealed.key, sealedPrivateJwk: key?.sealedPrivateJwk ?? '' };
    await expect(openSigningKey(opened, alone)).resolves.toBeDefined();
    await expect(openSigningKey(sealed.key, alone)).rejects.toThrow('opens under none');
    // Whoever restores an older database still has the former secret: it opens what is there.
    await expect(openSigningKey(sealed.key, both.keyEncryption)).resolves.toBeDefined();
  });

  test('changes nothing that is under it already', async () => {
    await sealUnder(current);
    const { keyEncryption } = await keysOf(current, former);
    const before = await createStoredSecretStore(env.DB).list();
    const { parts } = await partsWith(keyEncryption);
    expect(await resealSecrets(parts)).toEqual({ current: 2, resealed: 0, unreadable: 0 });
    expect(await createStoredSecretStore(env.DB).list()).toEqual(before);
  });

  test('without its predecessor is reported, and nothing is lost', async () => {
    await sealUnder(former);
    const before = await createStoredSecretStore(env.DB).list();
    const { parts, logged } = await partsWith((await keysOf(current, secret())).keyEncryption);
    await createUpkeep(parts).runIfDue();
    expect(logged).toContainEqual(['secrets_unreadable', { count: 2 }]);
    expect(await createStoredSecretStore(env.DB).list()).toEqual(before);
  });

  test('loses to whoever changed a row meanwhile', async () => {
    await sealUnder(former);
    const { parts } = await partsWith((await keysOf(current, former)).keyEncryption);
    const { secrets } = parts;
    const racing = {
      list: async () => {
        const listed = await secrets.list();
        await run("UPDATE stored_secrets SET sealed = 'newer'");
        return listed;
      },
      reseal: secrets.reseal,
    };
    await resealSecrets({ ...parts, secrets: racing });
    expect(await secrets.list()).toEqual([{ name, sealed: 'newer' }]);
  });

  test('is looked after at once in a new process, and without a former one nothing is read', async () => {
    await sealUnder(former);
    const { parts, logged } = await partsWith((await keysOf(current, former)).keyEncryption);
    await parts.schedule.began(parts.clock.now());
    await createUpkeep(parts).runIfDue();
    expect(logged).toEqual([['retired_secrets_hold_nothing', { resealed: 2 }]]);
    await createUpkeep(parts).runIfDue();
    expect(logged).toHaveLength(1);
    const { keyEncryption } = await keysOf(current);
    const unread = { keyEncryption, randomBytes, signingKeys: {}, secrets: {} };
    expect(await resealSecrets(unread as never)).toBeUndefined();
  });
});
