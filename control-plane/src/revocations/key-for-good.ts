/** Revokes a key for good through the operation of keys: row, event and revocation in one batch. */

import { changesOfEnd } from '../api-keys/key-changes.ts';
import { newKeyRevocation } from '../api-keys/key-revocation.ts';
import type { Idempotency, KeyRevocation } from '../api-keys/store.ts';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Revocation } from './revocation.ts';

export interface KeyForGood {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly keyId: string;
  readonly reason?: string;
  readonly idempotency: Idempotency | undefined;
}

export type KeyForGoodOutcome =
  | { readonly outcome: 'created'; readonly revocations: readonly Revocation[] }
  | { readonly outcome: 'replayed'; readonly revocationId: string }
  | { readonly outcome: 'request_id_reused' | 'already_revoked' }
  | { readonly outcome: 'key_not_found'; readonly place: 0 };

export async function revokeKeyForGood(
  deps: Pick<Deps, 'apiKeys' | 'auditEvent' | 'config' | 'randomBytes'>,
  { tenant, caller, keyId, reason, idempotency }: KeyForGood,
): Promise<KeyForGoodOutcome> {
  const { tenantId } = tenant;
  const operation = 'api_key.revoke';
  const said = reason === undefined ? {} : { reason };
  const ending: KeyRevocation = {
    ...{ tenantId, keyId, reason: 'unspecified' },
    revocation: newKeyRevocation(deps, { tenantId, keyId, cause: operation, ...said }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: {
        ...changesOfEnd({ reason: 'unspecified' }),
        ...(reason === undefined ? {} : { reason: { after: reason } }),
      },
    }),
  };
  const ended =
    idempotency === undefined
      ? await deps.apiKeys.revoke(ending)
      : await deps.apiKeys.revokeOnce(ending, idempotency);
  if (ended.outcome === 'revoked') {
    return { outcome: 'created', revocations: [ended.revocation] };
  }
  if (ended.outcome === 'replayed') return ended;
  const { outcome } = ended;
  return outcome === 'not_found' ? { outcome: 'key_not_found', place: 0 } : { outcome };
}
