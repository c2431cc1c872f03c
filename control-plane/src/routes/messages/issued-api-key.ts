/** `IssuedApiKey` and `ImportedApiKey` as JSON: unset optional members are left out, all others are there. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey, RateLimitPolicy } from '../../api-keys/api-key.ts';
import { endOfLife, statusOf } from '../../api-keys/status.ts';
import { formatDuration } from '../../http/duration.ts';
import { REASON_NAMES, STATUS_NAMES, VISIBILITY_NAMES } from './enums.ts';

/** `now` is the database's clock, by which the status is computed. */
export function apiKeyMessage(key: ApiKey, now: UnixMilliseconds) {
  const status = statusOf(key, now);
  const isRevoked = status === 'revoked';
  return {
    key_id: key.keyId,
    name: key.name,
    actor_id: key.actorId,
    scopes: key.scopes,
    metadata: key.metadata ?? null,
    status: STATUS_NAMES[status],
    create_time: timestamp(key.createTime),
    update_time: timestamp(key.updateTime),
    // Of a revoked key it says how long its row is kept at least, as in Talos.
    expire_time: optional(isRevoked ? key.expireTime : endOfLife(key), timestamp),
    last_used_time: optional(key.lastUsedTime, timestamp),
    rate_limit_policy: optional(key.rateLimitPolicy, rateLimitPolicyMessage),
    // Known from the rotation on, true when the overlap is over.
    ...(isRevoked ? revocationMembers(key) : {}),
    ip_restriction: optional(key.allowedCidrs, (cidrs) => ({ allowed_cidrs: cidrs })),
    visibility: VISIBILITY_NAMES[key.visibility],
    disable_time: optional(key.disableTime, timestamp),
    overlap_end_time: optional(key.overlapEndTime, timestamp),
  };
}

function revocationMembers({ revocationDescription, revocationReason }: ApiKey) {
  return {
    revocation_reason: optional(revocationReason, (reason) => REASON_NAMES[reason]),
    revocation_description: revocationDescription,
  };
}

export function rateLimitPolicyMessage({ quota, windowSeconds }: RateLimitPolicy) {
  return { quota, window: formatDuration(windowSeconds), unit: 'requests' };
}

/** RFC 3339 in UTC with 0 or 3 fraction digits, as protojson writes milliseconds. */
export function timestamp(milliseconds: UnixMilliseconds): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

/** `undefined` members are left out of JSON. */
function optional<T, U>(value: T | undefined, message: (value: T) => U): U | undefined {
  return value === undefined ? undefined : message(value);
}

/** Where the key is to be had: the `Location` of whoever makes one. */
export function apiKeyPath({ keyId, kind }: Pick<ApiKey, 'keyId' | 'kind'>): string {
  return `/v2alpha1/admin/${kind}ApiKeys/${keyId}`;
}
