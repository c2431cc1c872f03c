/** Lists the keys of a tenant, page by page, in descending order of their random ids. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { canonicalJson } from './canonical-json.ts';
import type { KeyFilter } from './filter.ts';
import { type Listing, openPageToken, sealPageToken } from './page-token.ts';

export interface ListRequest {
  readonly tenant: Tenant;
  readonly kind: ApiKey['kind'];
  readonly pageSize: number;
  readonly filter: KeyFilter;
  readonly pageToken?: string;
}

export type ListOutcome =
  | {
      readonly outcome: 'listed';
      readonly keys: readonly ApiKey[];
      readonly now: UnixMilliseconds;
      readonly nextPageToken?: string;
    }
  | { readonly outcome: 'page_token_invalid' };

export async function listApiKeys(deps: Deps, request: ListRequest): Promise<ListOutcome> {
  const { tenant, kind, pageSize, filter, pageToken } = request;
  const { tenantId } = tenant;
  const listing: Listing = {
    tenantId,
    collection: `${kind}_api_keys`,
    filter: canonicalJson(filter),
  };
  const position = { ...filter, tenantId, kind, pageSize };
  if (pageToken === undefined) return readPage(deps, listing, position);
  const afterKeyId = await openPageToken(deps, listing, pageToken);
  if (afterKeyId === undefined) return { outcome: 'page_token_invalid' };
  return readPage(deps, listing, { ...position, afterKeyId });
}

async function readPage(
  deps: Deps,
  listing: Listing,
  query: Parameters<Deps['apiKeys']['list']>[0],
): Promise<ListOutcome> {
  const { keys, now, nextAfterKeyId } = await deps.apiKeys.list(query);
  if (nextAfterKeyId === undefined) return { outcome: 'listed', keys, now };
  const nextPageToken = await sealPageToken(deps, listing, nextAfterKeyId);
  return { outcome: 'listed', keys, now, nextPageToken };
}
