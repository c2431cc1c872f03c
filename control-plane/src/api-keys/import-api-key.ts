/**
 * Imports keys that another system made: their texts go on working here. A raw key is hashed at once
 * (`imported-key-id`) and neither stored, logged nor told to the audit log.
 */

import { kindOfCredential } from '@cardea/shared/credential/kind';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { CREDENTIAL_ROUTING } from './credential-routing.ts';
import { importedKeyId, rawKeyHashOf } from './imported-key-id.ts';
import {
  type IssueRequest,
  idempotencyOf,
  type TtlProblem,
  ttlProblemOf,
} from './issue-api-key.ts';
import { changesOfNew } from './key-changes.ts';
import type { InsertOutcome, KeyInsertion } from './store.ts';

/** The key itself, or its SHA-256: of that nobody can tell what it looks like. */
export type RawKey =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'sha256'; readonly hash: Uint8Array<ArrayBuffer> };

export interface ImportItem extends Omit<IssueRequest, 'tenant' | 'caller'> {
  readonly rawKey: RawKey;
}

/** `looks_issued`: like a key of ours. `looks_derived`: like a JWT or a macaroon. */
export type ImportProblem = TtlProblem | 'looks_issued' | 'looks_derived';

export type ImportOutcome = InsertOutcome | { readonly outcome: ImportProblem };

interface ImportContext {
  readonly tenant: Tenant;
  readonly caller: Caller;
}

export async function importApiKey(
  deps: Deps,
  item: ImportItem,
  context: ImportContext,
): Promise<ImportOutcome> {
  const prepared = await prepare(deps, item, context);
  return isInsertion(prepared) ? deps.apiKeys.insert(prepared) : prepared;
}

/**
 * One outcome an item, in the same order. The list is not atomic, each key is. The second of two
 * items with one key is `exists`, with one `request_id` `request_id_reused`.
 */
export async function importApiKeys(
  deps: Deps,
  items: readonly ImportItem[],
  context: ImportContext,
): Promise<readonly ImportOutcome[]> {
  const prepared = await Promise.all(items.map((item) => prepare(deps, item, context)));
  const checked = withoutRepetitions(prepared);
  const insertions = checked.filter(isInsertion);
  const inserted = await deps.apiKeys.insertMany(insertions);
  const outcomes = new Map(insertions.map((insertion, place) => [insertion, inserted[place]]));
  return checked.map((one) => {
    const outcome = isInsertion(one) ? outcomes.get(one) : one;
    if (outcome === undefined) throw new TypeError('An insertion has no outcome.');
    return outcome;
  });
}

type Prepared = KeyInsertion | Exclude<ImportOutcome, { readonly key: unknown }>;

function isInsertion(prepared: Prepared): prepared is KeyInsertion {
  return !('outcome' in prepared);
}

async function prepare(
  deps: Deps,
  item: ImportItem,
  { caller, tenant }: ImportContext,
): Promise<Prepared> {
  const { rawKey, requestId, ...wanted } = item;
  const ttlSeconds = item.ttlSeconds ?? tenant.apiKeyTtlDefaultSeconds;
  const problem = looksProblemOf(rawKey) ?? ttlProblemOf(ttlSeconds, tenant);
  if (problem !== undefined) return { outcome: problem };
  const { tenantId } = tenant;
  const rawKeyHash = rawKey.kind === 'text' ? await rawKeyHashOf(rawKey.text) : rawKey.hash;
  const keyId = await importedKeyId(await deps.importPepper(), tenantId, rawKeyHash);
  const key = { ...wanted, tenantId, keyId, kind: 'imported', secretHash: '', ttlSeconds } as const;
  // The id stands for the raw key in the hash of the request too: a plain hash could be guessed.
  const idempotency =
    requestId === undefined
      ? {}
      : { idempotency: await idempotencyOf(requestId, { ...wanted, keyId }) };
  return {
    key,
    audit: await deps.auditEvent({
      ...{ tenantId, operation: 'api_key.import', targetId: keyId, caller },
      changes: changesOfNew(key),
    }),
    ...idempotency,
    ...(tenant.apiKeysMax === undefined ? {} : { keysMax: tenant.apiKeysMax }),
  };
}

function looksProblemOf(rawKey: RawKey): ImportProblem | undefined {
  if (rawKey.kind !== 'text') return undefined;
  switch (kindOfCredential(rawKey.text, CREDENTIAL_ROUTING)) {
    case 'issued':
      return 'looks_issued';
    case 'jwt':
    case 'macaroon':
      return 'looks_derived';
    case 'imported':
      return undefined;
  }
}

function withoutRepetitions(prepared: readonly Prepared[]): readonly Prepared[] {
  const keyIds = new Set<string>();
  const requestIds = new Set<string>();
  return prepared.map((one) => {
    if (!isInsertion(one)) return one;
    const { idempotency, key } = one;
    if (keyIds.has(key.keyId)) return { outcome: 'exists' };
    if (idempotency !== undefined && requestIds.has(idempotency.requestId)) {
      return { outcome: 'request_id_reused' };
    }
    keyIds.add(key.keyId);
    if (idempotency !== undefined) requestIds.add(idempotency.requestId);
    return one;
  });
}
