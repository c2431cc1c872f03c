/** Issues an API key: the one moment at which its text exists outside its owner's hands. */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey, RateLimitPolicy } from './api-key.ts';
import { canonicalJson } from './canonical-json.ts';
import { generateApiKey } from './generate-api-key.ts';
import { changesOfNew } from './key-changes.ts';
import type { Idempotency } from './store.ts';

export interface IssueRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly name: string;
  readonly actorId: string;
  readonly scopes: readonly string[];
  /** Absent: the configured default. */
  readonly ttlSeconds?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly visibility: ApiKey['visibility'];
  readonly rateLimitPolicy?: RateLimitPolicy;
  readonly allowedCidrs?: readonly string[];
  /** The client's own id of this request: the same one never makes two keys. */
  readonly requestId?: string;
}

interface Answer {
  readonly key: ApiKey;
  /** The database's clock. */
  readonly now: UnixMilliseconds;
}

export type IssueOutcome =
  | (Answer & { readonly outcome: 'issued'; readonly text: string })
  /** Answered before: the key it made. Its text is not to be had again. */
  | (Answer & { readonly outcome: 'replayed' })
  | {
      readonly outcome: 'request_id_reused' | 'quota_exceeded' | TtlProblem;
    };

export type TtlProblem = 'ttl_not_positive' | 'ttl_too_short' | 'ttl_too_long';

/** Shortest life of a key (Talos's limit). */
const TTL_SECONDS_MIN = 1;

export async function issueApiKey(deps: Deps, request: IssueRequest): Promise<IssueOutcome> {
  const { tenant, caller, requestId, ...wanted } = request;
  const ttlSeconds = request.ttlSeconds ?? tenant.apiKeyTtlDefaultSeconds;
  const problem = ttlProblemOf(ttlSeconds, tenant);
  if (problem !== undefined) return { outcome: problem };
  const generated = await generateApiKey(deps, tenant, request.visibility);
  const { tenantId } = tenant;
  const key = {
    ...wanted,
    tenantId,
    kind: 'issued',
    keyId: generated.keyId,
    secretHash: generated.secretHash,
    ttlSeconds,
  } as const;
  const inserted = await deps.apiKeys.insert({
    key,
    audit: await deps.auditEvent({
      ...{ tenantId, operation: 'api_key.issue', targetId: key.keyId, caller },
      changes: changesOfNew(key),
    }),
    ...(requestId === undefined ? {} : { idempotency: await idempotencyOf(requestId, wanted) }),
    ...(tenant.apiKeysMax === undefined ? {} : { keysMax: tenant.apiKeysMax }),
  });
  switch (inserted.outcome) {
    case 'inserted':
      return { ...inserted, outcome: 'issued', text: generated.text };
    case 'exists':
      throw new TypeError('A random key id exists already.');
    default:
      return inserted;
  }
}

/** Why a key of this tenant may not live so long, or `undefined` if it may. */
export function ttlProblemOf(ttlSeconds: number, tenant: Tenant): TtlProblem | undefined {
  if (ttlSeconds <= 0) return 'ttl_not_positive';
  if (ttlSeconds < TTL_SECONDS_MIN) return 'ttl_too_short';
  return ttlSeconds > tenant.apiKeyTtlMaxSeconds ? 'ttl_too_long' : undefined;
}

/** Hashes what was asked for, before any default is put in: a later default is not another request. */
export async function idempotencyOf(requestId: string, wanted: object): Promise<Idempotency> {
  const hash = await sha256(encodeUtf8(canonicalJson(wanted)));
  return { requestId, requestHash: encodeHex(hash) };
}
