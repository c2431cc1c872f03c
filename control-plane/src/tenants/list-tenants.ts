/** Lists the tenants, page by page, in ascending order of their ids; the default one stands first. */

import { openPageToken, sealPageToken } from '../api-keys/page-token.ts';
import type { Deps } from '../deps.ts';
import type { StoredTenant } from './store.ts';

export interface ListRequest {
  readonly pageSize: number;
  readonly pageToken?: string;
}

export type ListOutcome =
  | {
      readonly outcome: 'listed';
      /** Whether the default tenant stands in front of the others on this page. */
      readonly startsWithDefault: boolean;
      readonly tenants: readonly StoredTenant[];
      readonly nextPageToken?: string;
    }
  | { readonly outcome: 'page_token_invalid' };

/** Of no tenant: the deployment's own list. */
const LISTING = { tenantId: '', collection: 'tenants', filter: '' } as const;

/** Before every id. */
const FIRST = '';

export async function listTenants(
  deps: Deps,
  { pageSize, pageToken }: ListRequest,
): Promise<ListOutcome> {
  if (pageToken !== undefined) {
    const afterTenantId = await openPageToken(deps, LISTING, pageToken);
    if (afterTenantId === undefined) return { outcome: 'page_token_invalid' };
    const page = await deps.tenantStore.list({ pageSize, afterTenantId });
    const { tenants, nextAfterTenantId: next } = page;
    return { outcome: 'listed', startsWithDefault: false, tenants, ...(await tokenAt(deps, next)) };
  }
  // One more than fits beside the default tenant: whether there is a next page.
  const { tenants: found } = await deps.tenantStore.list({ pageSize });
  const tenants = found.slice(0, pageSize - 1);
  const next = found.length < pageSize ? undefined : (tenants.at(-1)?.tenantId ?? FIRST);
  return { outcome: 'listed', startsWithDefault: true, tenants, ...(await tokenAt(deps, next)) };
}

async function tokenAt(
  deps: Deps,
  afterTenantId: string | undefined,
): Promise<{ readonly nextPageToken?: string }> {
  if (afterTenantId === undefined) return {};
  return { nextPageToken: await sealPageToken(deps, LISTING, afterTenantId) };
}
