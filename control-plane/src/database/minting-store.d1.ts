/** What minting reads, from D1: one batch, which is one transaction, statements in order. */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds } from '@cardea/shared/time';
import { and, eq, getTableColumns, inArray, max, or, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { MintingStore } from '../tokens/minting-store.ts';
import { answered } from './answered.ts';
import { toApiKey } from './api-key-row.ts';
import { NOW_MS } from './clock.d1.ts';
import { isLive, isOfTenant } from './revocation-store.d1.ts';
import { apiKeys, revocations, signingKeys } from './schema.d1.ts';

export function createMintingStore(database: D1Database): MintingStore {
  const db = drizzle(database);
  return {
    async read({ tenantId, keyId, scopeIds }) {
      const key = db
        .select({ ...getTableColumns(apiKeys), nowMs: NOW_MS.as('now_ms') })
        .from(apiKeys)
        .where(and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId)));
      const signingKey = db
        .select({
          tenantId: signingKeys.nid,
          kid: signingKeys.kid,
          algorithm: signingKeys.algorithm,
          sealedPrivateJwk: signingKeys.sealedPrivateJwk,
        })
        .from(signingKeys)
        .where(and(eq(signingKeys.nid, tenantId), eq(signingKeys.state, 'active')));
      const asked = JSON.stringify(scopeIds.map(formatScopeId));
      const isOfScope = or(
        eq(revocations.scope, 'signing_key'),
        inArray(revocations.scopeId, sql`(SELECT value FROM json_each(${asked}))`),
      );
      const bounds = db
        .select({ scopeId: revocations.scopeId, bound: max(revocations.boundS) })
        .from(revocations)
        .where(and(isOfTenant(tenantId), isOfScope, isLive))
        .groupBy(revocations.scopeId);
      const [[row], [active], boundRows] = await answered(db.batch([key, signingKey, bounds]));
      if (row === undefined) return undefined;
      return {
        key: toApiKey(row),
        secretHash: row.secretHash,
        now: unixMilliseconds(row.nowMs),
        bounds: new Map(boundRows.map(({ scopeId, bound }) => [scopeId, bound ?? 0])),
        ...(active === undefined ? {} : { signingKey: active }),
      };
    },
  };
}
