/** Ends a key for good, on an administrator's word. */

import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { RevocationReason } from './api-key.ts';
import { newKeyRevocation } from './key-revocation.ts';

export interface RevokeRequest {
  readonly tenantId: string;
  /** A canonical key id: see `kindOfKeyId`. */
  readonly keyId: string;
  readonly reason: RevocationReason;
  /** Only with `privilege_withdrawn`. */
  readonly description?: string;
}

export type RevokeApiKeyOutcome =
  | { readonly outcome: 'revoked'; readonly announcement: Announcement }
  | { readonly outcome: 'already_revoked' | 'not_found' };

export async function revokeApiKey(
  deps: Deps,
  request: RevokeRequest,
): Promise<RevokeApiKeyOutcome> {
  const { tenantId, keyId } = request;
  const revocation = newKeyRevocation(deps, { tenantId, keyId, cause: 'api_key.revoke' });
  const ended = await deps.apiKeys.revoke({ ...request, revocation });
  if (ended.outcome !== 'revoked') return { outcome: ended.outcome };
  const announcement = await deps.announcer.announce([ended.revocation]);
  return { outcome: 'revoked', announcement };
}
