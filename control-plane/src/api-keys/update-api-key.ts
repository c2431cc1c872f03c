/** Changes what an administrator chose about a key, whatever its status; its text stays the same. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { AuditChanges, Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { changesBetween } from './key-changes.ts';
import { newKeyCutOff } from './key-revocation.ts';
import { retryOnChange } from './retry-on-change.ts';
import type { KeyChanges } from './store.ts';

export interface UpdateRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly kind: ApiKey['kind'];
  readonly keyId: string;
  /** Members that are present are set; `null` clears. */
  readonly changes: Omit<KeyChanges, 'isDisabled'>;
  /**
   * Also ends the tokens that were derived before: they carry what the key granted then. The holder
   * derives new ones, which carry what it grants now.
   */
  readonly revokesDerived: boolean;
}

export type UpdateApiKeyOutcome =
  | {
      readonly outcome: 'updated';
      readonly key: ApiKey;
      readonly now: UnixMilliseconds;
      /** Present if derived tokens were cut off. */
      readonly announcement?: Announcement;
    }
  /** `changed_meanwhile`: others changed the key again and again while this was tried. */
  | { readonly outcome: 'changed_meanwhile' | 'not_found' };

export async function updateApiKey(
  deps: Deps,
  request: UpdateRequest,
): Promise<UpdateApiKeyOutcome> {
  const updated = await retryOnChange(() => tryToUpdate(deps, request));
  if (updated.outcome !== 'updated') return updated;
  const { key, now, revocation } = updated;
  if (revocation === undefined) return { outcome: 'updated', key, now };
  const announcement = await deps.announcer.announce([revocation]);
  return { outcome: 'updated', key, now, announcement };
}

async function tryToUpdate(deps: Deps, request: UpdateRequest) {
  const { caller, changes, keyId, kind, revokesDerived } = request;
  const { tenantId } = request.tenant;
  const stored = await deps.apiKeys.find(tenantId, keyId);
  if (stored?.key.kind !== kind) return { outcome: 'not_found' } as const;
  const operation = 'api_key.update';
  const cutOff = revokesDerived
    ? { revocation: newKeyCutOff(deps, { tenantId, keyId, cause: operation }) }
    : {};
  return deps.apiKeys.update({
    ...{ tenantId, keyId, changes, ...cutOff },
    revision: stored.key.revision,
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: auditChangesOf(stored.key, request),
    }),
  });
}

function auditChangesOf(key: ApiKey, { changes, revokesDerived }: UpdateRequest): AuditChanges {
  return {
    ...changesBetween(key, { ...key, ...withoutNulls(changes) }),
    ...(revokesDerived ? { revoke_derived: { after: true } } : {}),
  };
}

/** `null` clears: the member is there and is undefined. */
function withoutNulls(changes: UpdateRequest['changes']) {
  const { allowedCidrs, metadata, rateLimitPolicy, ...rest } = changes;
  return {
    ...rest,
    ...(allowedCidrs === undefined ? {} : { allowedCidrs: allowedCidrs ?? undefined }),
    ...(metadata === undefined ? {} : { metadata: metadata ?? undefined }),
    ...(rateLimitPolicy === undefined ? {} : { rateLimitPolicy: rateLimitPolicy ?? undefined }),
  };
}
