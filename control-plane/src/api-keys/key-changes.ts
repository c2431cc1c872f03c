/** What an audit event tells of a change of a key, by the field names of the REST API. Pure. */

import type { AuditChanges } from '../audit/audit-event.ts';
import type { ApiKey, RevocationReason } from './api-key.ts';
import { canonicalJson } from './canonical-json.ts';

/** The fields that administrators choose. Metadata is theirs to keep free of secrets: docs/audit.md. */
const FIELDS = {
  name: 'name',
  actorId: 'actor_id',
  scopes: 'scopes',
  metadata: 'metadata',
  rateLimitPolicy: 'rate_limit_policy',
  allowedCidrs: 'ip_restriction',
  visibility: 'visibility',
} as const;

type Described = { readonly [Field in keyof typeof FIELDS]?: ApiKey[Field] | undefined };

/** Every chosen field of a new key, and how long it lives. */
export function changesOfNew(key: Described & { readonly ttlSeconds?: number }): AuditChanges {
  return { ...changesBetween({}, key), ...lifeOf(key.ttlSeconds) };
}

function lifeOf(ttlSeconds: number | undefined): AuditChanges {
  return ttlSeconds === undefined ? {} : { ttl: { after: `${ttlSeconds}s` } };
}

/** The fields that differ. */
export function changesBetween(before: Described, after: Described): AuditChanges {
  const changes: Record<string, { before?: unknown; after?: unknown }> = {};
  for (const [field, name] of Object.entries(FIELDS)) {
    const old: unknown = Reflect.get(before, field);
    const now: unknown = Reflect.get(after, field);
    if (canonicalJson(old) === canonicalJson(now)) continue;
    changes[name] = {
      ...(old === undefined ? {} : { before: old }),
      ...(now === undefined ? {} : { after: now }),
    };
  }
  return changes;
}

/** A key ends for good. */
export function changesOfEnd(end: {
  readonly reason: RevocationReason;
  readonly description?: string;
}): AuditChanges {
  return {
    status: { before: 'active', after: 'revoked' },
    revocation_reason: { after: end.reason },
    ...(end.description === undefined
      ? {}
      : { revocation_description: { after: end.description } }),
  };
}
