/** Issues an API key: the one moment at which its text exists outside its owner's hands. */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import type { ApiKey, RateLimitPolicy } from './api-key.ts';
import { canonicalJson } from './canonical-json.ts';
import { generateApiKey } from './generate-api-key.ts';
import type { Idempotency } from './store.ts';

export interface IssueRequest {
  readonly tenantId: string;
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
      readonly outcome: 'request_id_reused' | 'ttl_not_positive' | 'ttl_too_short' | 'ttl_too_long';
    };

/** Shortest life of a key (Talos's limit). */
const TTL_SECONDS_MIN = 1;

export async function issueApiKey(deps: Deps, request: IssueRequest): Promise<IssueOutcome> {
  const ttlSeconds = request.ttlSeconds ?? deps.config.apiKeyTtlDefaultSeconds;
  if (ttlSeconds <= 0) return { outcome: 'ttl_not_positive' };
  if (ttlSeconds < TTL_SECONDS_MIN) return { outcome: 'ttl_too_short' };
  if (ttlSeconds > deps.config.apiKeyTtlMaxSeconds) return { outcome: 'ttl_too_long' };
  const { requestId, ...wanted } = request;
  const generated = await generateApiKey(deps, request.visibility);
  const key = {
    ...wanted,
    kind: 'issued',
    keyId: generated.keyId,
    secretHash: generated.secretHash,
    ttlSeconds,
  } as const;
  const idempotency = requestId === undefined ? undefined : await idempotencyOf(requestId, wanted);
  const inserted = await deps.apiKeys.insert(key, idempotency);
  if (inserted.outcome !== 'inserted') return inserted;
  return { ...inserted, outcome: 'issued', text: generated.text };
}

/** Hashes what was asked for, before any default is put in: a later default is not another request. */
async function idempotencyOf(requestId: string, wanted: object): Promise<Idempotency> {
  const hash = await sha256(encodeUtf8(canonicalJson(wanted)));
  return { requestId, requestHash: encodeHex(hash) };
}
