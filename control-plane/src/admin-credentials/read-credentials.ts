/** Shows admin credentials, one or page by page: never a secret, never a hash of one. */

import { openPageToken, sealPageToken } from '../api-keys/page-token.ts';
import type { Deps } from '../deps.ts';
import type { Principal } from '../http/principal.ts';
import { isWithin, scopeOf } from './credential-scope.ts';
import type { AdminCredentialStore, StoredAdminCredential } from './store.ts';

/** `undefined` if there is none in reach. */
export async function findAdminCredential(
  { adminCredentials }: Pick<Deps, 'adminCredentials'>,
  principal: Principal,
  credentialId: string,
): Promise<StoredAdminCredential | undefined> {
  const stored = await adminCredentials.find(credentialId);
  const isInReach = stored !== undefined && isWithin(scopeOf(principal), stored.credential);
  return isInReach ? stored : undefined;
}

export interface ListCredentialsRequest {
  readonly principal: Principal;
  readonly pageSize: number;
  readonly pageToken?: string;
}

type Page = Pick<Awaited<ReturnType<AdminCredentialStore['list']>>, 'credentials' | 'now'>;

export type ListCredentialsOutcome =
  | (Page & { readonly outcome: 'listed'; readonly nextPageToken?: string })
  | { readonly outcome: 'page_token_invalid' };

export async function listAdminCredentials(
  deps: Deps,
  { principal, pageSize, pageToken }: ListCredentialsRequest,
): Promise<ListCredentialsOutcome> {
  const scope = scopeOf(principal);
  const { tenantId = '' } = scope;
  const listing = { tenantId, collection: 'admin_credentials', filter: '' } as const;
  const after = pageToken === undefined ? undefined : await openPageToken(deps, listing, pageToken);
  if (pageToken !== undefined && after === undefined) return { outcome: 'page_token_invalid' };
  const position = after === undefined ? {} : { afterCredentialId: after };
  const page = await deps.adminCredentials.list({ ...scope, ...position, pageSize });
  const { credentials, now, nextAfterCredentialId: next } = page;
  if (next === undefined) return { outcome: 'listed', credentials, now };
  const nextPageToken = await sealPageToken(deps, listing, next);
  return { outcome: 'listed', credentials, now, nextPageToken };
}
