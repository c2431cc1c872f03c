/**
 * Disables a key, and enables it again. A disabled key is refused everywhere, and the tokens derived
 * from it before are cut off; nothing is lost: once enabled, the same text works again.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { newKeyCutOff } from './key-revocation.ts';
import { retryOnChange } from './retry-on-change.ts';
import { statusOf } from './status.ts';

export interface SetEnabledRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly kind: ApiKey['kind'];
  readonly keyId: string;
  readonly isEnabled: boolean;
}

export type SetEnabledOutcome =
  | {
      readonly outcome: 'set';
      readonly key: ApiKey;
      readonly now: UnixMilliseconds;
      /** Present if derived tokens were cut off. */
      readonly announcement?: Announcement;
    }
  /** `not_live`: a key that is revoked or expired is neither enabled nor disabled. */
  | { readonly outcome: 'not_live' | 'changed_meanwhile' | 'not_found' };

/** A key that is as it was asked for stays so, and nothing is written. */
export async function setKeyEnabled(
  deps: Deps,
  request: SetEnabledRequest,
): Promise<SetEnabledOutcome> {
  const result = await retryOnChange(() => tryToSet(deps, request));
  if (result.outcome === 'unchanged') return { ...result, outcome: 'set' };
  if (result.outcome !== 'updated') return result;
  const { key, now, revocation } = result;
  if (revocation === undefined) return { outcome: 'set', key, now };
  const announcement = await deps.announcer.announce([revocation]);
  return { outcome: 'set', key, now, announcement };
}

async function tryToSet(deps: Deps, { caller, isEnabled, keyId, kind, tenant }: SetEnabledRequest) {
  const { tenantId } = tenant;
  const stored = await deps.apiKeys.find(tenantId, keyId);
  if (stored?.key.kind !== kind) return { outcome: 'not_found' } as const;
  const { key, now } = stored;
  const status = statusOf(key, now);
  if (status === 'revoked' || status === 'expired') return { outcome: 'not_live' } as const;
  const wanted = isEnabled ? 'active' : 'disabled';
  if (status === wanted) return { outcome: 'unchanged', key, now } as const;
  const operation = isEnabled ? 'api_key.enable' : 'api_key.disable';
  const cutOff = isEnabled
    ? {}
    : { revocation: newKeyCutOff(deps, { tenantId, keyId, cause: operation }) };
  return deps.apiKeys.update({
    ...{ tenantId, keyId, revision: key.revision, ...cutOff },
    changes: { isDisabled: !isEnabled },
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: { status: { before: status, after: wanted } },
    }),
  });
}
