/** Isolation of what minting and verification read: revocations, keys, signing keys. */

import { formatScopeId, type ScopeId } from '@cardea/shared/feed/scope-id';
import { expect } from 'vitest';
import { revocationOfToken } from '../../src/revocations/new-revocation.ts';
import {
  auditOf,
  LIVES_SECONDS,
  newId,
  newSigningKey,
  revocationOf,
} from '../contracts/fixtures.ts';
import {
  type Check,
  mark,
  type Pair,
  seedKey,
  twins,
  unnoticed,
  victimsKey,
  withoutEffect,
} from './pair.ts';

/** A new one for each run: bounds of everything count for every tenant. */
function newScope(): { readonly id: ScopeId; readonly text: string } {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const id = { high, low };
  return { id, text: formatScopeId(id) };
}

interface SeededBound {
  /** The scope id. */
  readonly text: string;
  readonly bound: number;
  readonly scope?: 'key' | 'signing_key' | 'everything';
}

async function seedBound(
  { run }: Pair,
  tenantId: string,
  { text, bound, scope = 'key' }: SeededBound,
): Promise<void> {
  await run(`INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
    created_at_s, effective_at_s, expires_at_s, acknowledged)
    VALUES ('${newId()}', '${tenantId}', '${scope}', '${text}', ${bound}, 'test',
      1, 1, 4294967295, 1)`);
}

async function seedActiveKey({ run, seed }: Pair, tenantId: string): Promise<string> {
  const key = newSigningKey(tenantId);
  await seed.signingKeys.insertFirst(key);
  await run(`UPDATE signing_keys SET state = 'active' WHERE nid = '${tenantId}'`);
  return key.kid;
}

/** A revocation of a token, of this id, under this request id. */
function creationOf(tenantId: string, revocationId: string, requestId: string) {
  const cause = { revocationId, tenantId, cause: 'revocation.create', livesSeconds: LIVES_SECONDS };
  return {
    tenantId,
    items: [
      {
        revocation: revocationOfToken({ ...cause, tokenId: newId() }),
        audit: auditOf(tenantId, revocationId, 'revocation.create'),
      },
    ],
    idempotency: { requestId, requestHash: 'hash' },
  };
}

/** The victim has used this request id for a revocation of this id. */
async function seedClaim({ run, victim }: Pair, requestId: string, revocationId: string) {
  await run(`INSERT INTO idempotent_requests
    (nid, operation, request_id, request_hash, key_id, create_time_ms)
    VALUES ('${victim}', 'revocation.create', '${requestId}', 'other', '${revocationId}', 1)`);
}

const LEDGER: readonly Check[] = [
  {
    name: "revocationLedger.create does not meet another tenant's request ids",
    async run(pair) {
      const { act, tenant, victim } = pair;
      const [requestId, revocationId] = [newId(), newId()];
      await seedClaim(pair, requestId, newId());
      const creation = creationOf(tenant, revocationId, requestId);
      const created = await unnoticed(pair, () => act.revocationLedger.create(creation));
      expect(created.outcome).toBe('created');
      const again = () => act.revocationLedger.create(creationOf(tenant, newId(), requestId));
      expect(await withoutEffect(pair, again)).toEqual({ outcome: 'replayed', revocationId });
      expect(victim).not.toBe(tenant);
    },
  },
  {
    name: 'revocationLedger.create writes nothing for what another tenant has claimed',
    async run(pair) {
      const { act, seed, tenant, victim } = pair;
      const [requestId, revocationId] = [newId(), newId()];
      await seed.revocationLedger.create(creationOf(victim, revocationId, newId()));
      await act.revocationLedger.create(creationOf(tenant, newId(), requestId));
      await seedClaim(pair, requestId, revocationId);
      const again = () => act.revocationLedger.create(creationOf(tenant, revocationId, requestId));
      expect((await withoutEffect(pair, again)).outcome).toBe('replayed');
    },
  },
  {
    name: 'revocationLedger.findMany and list read their own rows alone',
    async run(pair) {
      const { act, seed, tenant: tenantId, victim } = pair;
      const ids = [newId(), newId()];
      await seed.revocationLedger.create(creationOf(victim, ids[0] ?? '', newId()));
      const read = async () => [
        (await act.revocationLedger.findMany(tenantId, ids)).revocations,
        (await act.revocationLedger.list({ tenantId, pageSize: 9 })).revocations,
      ];
      expect(await read()).toEqual([[], []]);
      await seed.revocationLedger.create(creationOf(tenantId, ids[1] ?? '', newId()));
      for (const rows of await read()) {
        expect(rows.map(({ revocationId }) => revocationId)).toEqual([ids[1]]);
      }
    },
  },
  {
    name: 'apiKeys.revokeOnce ends its own key under its own request id',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const keyId = await twins(pair);
      const requestId = newId();
      await seedClaim(pair, requestId, newId());
      const request = revocationOf({ tenantId, keyId });
      await mark(pair, 'api_keys', request.audit);
      const idempotency = { requestId, requestHash: 'hash' };
      const revoke = () => act.apiKeys.revokeOnce(request, idempotency);
      expect((await unnoticed(pair, revoke)).outcome).toBe('revoked');
      const again = () => act.apiKeys.revokeOnce(revocationOf({ tenantId, keyId }), idempotency);
      const { revocationId } = request.revocation;
      expect(await withoutEffect(pair, again)).toEqual({ outcome: 'replayed', revocationId });
    },
  },
  {
    name: "apiKeys.revokeOnce of another tenant's key changes nothing",
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const keyId = await victimsKey(pair);
      const request = revocationOf({ tenantId, keyId });
      await mark(pair, 'api_keys', request.audit);
      const idempotency = { requestId: newId(), requestHash: 'hash' };
      const revoke = () => act.apiKeys.revokeOnce(request, idempotency);
      expect(await withoutEffect(pair, revoke)).toEqual({ outcome: 'not_found' });
    },
  },
];

export const REVOCATION_CHECKS: readonly Check[] = [
  {
    name: 'revocations.highestBound sees its own bounds alone, and those of everything',
    async run(pair) {
      const { act, tenant, victim } = pair;
      const { id, text } = newScope();
      await seedBound(pair, victim, { text, bound: 900 });
      expect(await act.revocations.highestBound(tenant, [id])).toBeUndefined();
      await seedBound(pair, tenant, { text, bound: 100 });
      expect(await act.revocations.highestBound(tenant, [id])).toBe(100);
      await seedBound(pair, victim, { text, bound: 500, scope: 'everything' });
      expect(await act.revocations.highestBound(tenant, [id])).toBe(500);
    },
  },
  {
    name: 'minting.read reads its own key alone',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const { id } = newScope();
      await seedActiveKey(pair, victim);
      const keyId = await victimsKey(pair);
      const query = { tenantId, keyId, scopeIds: [id] };
      expect(await act.minting.read(query)).toBeUndefined();
      await seedKey(pair, tenantId, { keyId, name: 'tenant' });
      const moment = await act.minting.read(query);
      expect(moment?.key.name).toBe('tenant');
      expect(moment?.signingKey).toBeUndefined();
      const kid = await seedActiveKey(pair, tenantId);
      expect((await act.minting.read(query))?.signingKey).toMatchObject({ tenantId, kid });
    },
  },
  {
    name: 'minting.read reads its own bounds alone',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const keyId = await victimsKey(pair);
      await seedKey(pair, tenantId, { keyId });
      const { id, text } = newScope();
      await seedBound(pair, victim, { text, bound: 900 });
      const query = { tenantId, keyId, scopeIds: [id] };
      expect((await act.minting.read(query))?.bounds).toEqual(new Map());
      await seedBound(pair, tenantId, { text, bound: 100 });
      expect((await act.minting.read(query))?.bounds).toEqual(new Map([[text, 100]]));
    },
  },
  {
    name: 'minting.read reads the bounds of its own signing keys alone, unasked',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const keyId = await victimsKey(pair);
      await seedKey(pair, tenantId, { keyId });
      const query = { tenantId, keyId, scopeIds: [] };
      const [own, foreign] = [newScope(), newScope()];
      await seedBound(pair, victim, { text: foreign.text, bound: 900, scope: 'signing_key' });
      await seedBound(pair, tenantId, { text: own.text, bound: 100, scope: 'signing_key' });
      const { bounds } = (await act.minting.read(query)) ?? {};
      expect(bounds?.get(own.text)).toBe(100);
      expect(bounds?.get(foreign.text)).toBeUndefined();
    },
  },
  ...LEDGER,
];
