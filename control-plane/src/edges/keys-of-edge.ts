/** Which macaroon keys in use an edge has or, revoked, may have kept: for whoever must revoke them. */

import type { Deps } from '../deps.ts';
import type { MacaroonKey } from '../macaroons/macaroon-key.ts';
import type { Edge } from './edge.ts';

/** Keys that nobody uses any more are not among them. Throws `StoreUnavailable`. */
export async function keysOfEdge(
  { minting, tenants }: Pick<Deps, 'minting' | 'tenants'>,
  { audiences, tenantIds }: Pick<Edge, 'audiences' | 'tenantIds'>,
): Promise<readonly MacaroonKey[]> {
  const found: MacaroonKey[] = [];
  for (const tenantId of tenantIds) {
    const tenant = await tenants.byId(tenantId);
    if (tenant === undefined) continue;
    const { keys } = await minting.macaroonKeys(tenant);
    found.push(...[...keys.values()].filter((key) => audiences.includes(key.audience)));
  }
  return found;
}
