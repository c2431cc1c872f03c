import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { KeyInsertion, KeyReplacement, NewApiKey } from '../api-keys/store.ts';
import type { AuditOperation, NewAuditEvent } from '../audit/audit-event.ts';
import { revocationOfKey } from '../revocations/new-revocation.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { createApiKeyStore } from './api-key-store.d1.ts';

const store = createApiKeyStore(env.DB);
const ONE = crypto.randomUUID();
const OTHER = crypto.randomUUID();

function newKey(tenantId: string, change: Partial<NewApiKey> = {}): NewApiKey {
  return {
    tenantId,
    keyId: crypto.randomUUID(),
    kind: 'issued',
    name: 'n',
    actorId: 'a',
    scopes: ['s'],
    visibility: 'secret',
    secretHash: '00'.repeat(32),
    ttlSeconds: 60,
    ...change,
  };
}

function eventOf(
  tenantId: string,
  targetId: string,
  operation: AuditOperation = 'api_key.update',
): NewAuditEvent {
  const caller = { kind: 'system', id: '', requestId: 'r' } as const;
  const eventId = crypto.randomUUID();
  return { eventId, tenantId, operation, targetId, caller, changes: {}, mac: 'mac' };
}

function insertionOf(key: NewApiKey): KeyInsertion {
  return { key, audit: eventOf(key.tenantId, key.keyId, 'api_key.issue') };
}

function revocationFor(tenantId: string, keyId: string) {
  const revocationId = crypto.randomUUID();
  const livesSeconds = 100;
  return revocationOfKey({ revocationId, tenantId, keyId, cause: 'test', livesSeconds });
}

function replacementOf(tenantId: string, oldKeyId: string): KeyReplacement {
  return {
    ...{ tenantId, oldKeyId, oldRevision: 1, overlapSeconds: 0 },
    replacement: newKey(tenantId),
    revocation: revocationFor(tenantId, oldKeyId),
    audit: eventOf(tenantId, oldKeyId, 'api_key.rotate'),
  };
}

async function rowsOf(table: string): Promise<number> {
  return Number((await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first())?.n);
}

describe('a tenant', () => {
  test('neither sees nor touches the keys of another', async () => {
    const key = newKey(ONE);
    await store.insert(insertionOf(key));
    const { keyId } = key;
    const keys = await rowsOf('api_keys');
    const revocations = await rowsOf('revocations');
    expect(await store.find(OTHER, keyId)).toBeUndefined();
    expect((await store.list({ tenantId: OTHER, kind: 'issued', pageSize: 9 })).keys).toEqual([]);
    const reason = 'unspecified' as const;
    const revocation = revocationFor(OTHER, keyId);
    const audit = eventOf(OTHER, keyId, 'api_key.revoke');
    expect(await store.revoke({ tenantId: OTHER, keyId, reason, revocation, audit })).toEqual({
      outcome: 'not_found',
    });
    expect(await store.replace(replacementOf(OTHER, keyId))).toEqual({ outcome: 'not_found' });
    expect(await rowsOf('api_keys')).toBe(keys);
    expect(await rowsOf('revocations')).toBe(revocations);
    expect((await store.find(ONE, keyId))?.key.state).toBe('active');
  });

  test('has request ids and key ids of its own', async () => {
    const idempotency = { requestId: 'r', requestHash: 'h' };
    const keyId = crypto.randomUUID();
    for (const tenantId of [ONE, OTHER]) {
      const inserted = await store.insert({
        ...insertionOf(newKey(tenantId, { keyId })),
        idempotency,
      });
      expect(inserted).toMatchObject({ outcome: 'inserted', key: { tenantId, keyId } });
    }
    const reason = 'unspecified' as const;
    const revocation = revocationFor(ONE, keyId);
    const audit = eventOf(ONE, keyId, 'api_key.revoke');
    await store.revoke({ tenantId: ONE, keyId, reason, revocation, audit });
    expect((await store.find(OTHER, keyId))?.key.state).toBe('active');
    const replaced = await store.replace(replacementOf(OTHER, keyId));
    expect(replaced).toMatchObject({ outcome: 'replaced', key: { tenantId: OTHER } });
    expect(replaced).toMatchObject({ revocation: { tenantId: OTHER } });
  });
});

describe('a page', () => {
  test('holds one kind of key', async () => {
    const tenantId = crypto.randomUUID();
    const issued = newKey(tenantId);
    await store.insert(insertionOf(issued));
    await store.insert(insertionOf(newKey(tenantId, { kind: 'imported', keyId: 'ab'.repeat(32) })));
    const { keys } = await store.list({ tenantId, kind: 'issued', pageSize: 9 });
    expect(keys.map(({ keyId }) => keyId)).toEqual([issued.keyId]);
  });
});

describe('a replacement', () => {
  test('inherits the expiry of the old key, whatever its own ttl', async () => {
    const old = newKey(ONE);
    const inserted = await store.insert(insertionOf(old));
    const replaced = await store.replace(replacementOf(ONE, old.keyId));
    if (inserted.outcome !== 'inserted' || replaced.outcome !== 'replaced') throw new Error();
    expect(replaced.key.expireTime).toBe(inserted.key.expireTime);
    expect(replaced.oldKey).toMatchObject({ state: 'revoked', revocationReason: 'superseded' });
    expect(replaced.revocation.expiresAtSeconds - replaced.revocation.createdAtSeconds).toBe(100);
  });

  test('of a key without expiry has none', async () => {
    const { ttlSeconds: _, ...eternal } = newKey(ONE);
    await store.insert(insertionOf(eternal));
    const replaced = await store.replace(replacementOf(ONE, eternal.keyId));
    expect(replaced).toMatchObject({ outcome: 'replaced' });
    expect(replaced.outcome === 'replaced' && 'expireTime' in replaced.key).toBe(false);
    // The revoked one is kept for a while, and then no longer.
    expect(replaced.outcome === 'replaced' && 'expireTime' in replaced.oldKey).toBe(true);
  });

  test('of an expired or revoked key leaves no trace', async () => {
    const old = newKey(ONE);
    await store.insert(insertionOf(old));
    const update = env.DB.prepare('UPDATE api_keys SET expire_time_ms = 1 WHERE key_id = ?');
    await update.bind(old.keyId).run();
    const keys = await rowsOf('api_keys');
    const revocations = await rowsOf('revocations');
    expect(await store.replace(replacementOf(ONE, old.keyId))).toEqual({ outcome: 'not_active' });
    expect(await rowsOf('api_keys')).toBe(keys);
    expect(await rowsOf('revocations')).toBe(revocations);
    expect((await store.find(ONE, old.keyId))?.key.state).toBe('active');
  });
});

test('a failing batch is an outage with its cause, and changes nothing', async () => {
  const old = newKey(ONE);
  await store.insert(insertionOf(old));
  const replacement = replacementOf(ONE, old.keyId);
  const taken = await env.DB.prepare('SELECT revocation_id AS id FROM revocations LIMIT 1').first();
  const revocationId = String(taken?.id);
  const clashing = { ...replacement, revocation: { ...replacement.revocation, revocationId } };
  const keys = await rowsOf('api_keys');
  const failed = await store.replace(clashing).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(StoreUnavailable);
  expect((failed as StoreUnavailable).cause).toBeInstanceOf(Error);
  expect(await rowsOf('api_keys')).toBe(keys);
  expect((await store.find(ONE, old.keyId))?.key.state).toBe('active');
});
