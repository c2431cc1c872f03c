/** From rows of `revocations`, of either dialect, to revocations. */

import { parseScopeId } from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import type { Revocation } from '../revocations/revocation.ts';
import type { revocations } from './schema.d1.ts';

export function toRevocation(row: typeof revocations.$inferSelect): Revocation {
  const scopeId = parseScopeId(row.scopeId);
  if (scopeId === undefined) throw new TypeError('A revocation row has a malformed scope id.');
  return {
    revocationId: row.revocationId,
    tenantId: row.nid,
    scope: row.scope,
    entry: { scopeId, boundSeconds: row.boundS },
    cause: row.cause,
    createdAtSeconds: unixSeconds(row.createdAtS),
    effectiveAtSeconds: unixSeconds(row.effectiveAtS),
    expiresAtSeconds: unixSeconds(row.expiresAtS),
    isAcknowledged: row.acknowledged !== 0,
    ...(row.subject === null ? {} : { subject: row.subject }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.publishedSeq === null ? {} : { publishedSeq: row.publishedSeq }),
  };
}
