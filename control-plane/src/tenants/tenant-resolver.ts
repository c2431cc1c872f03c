/** Which tenant a request is for. */

import type { Tenant } from './tenant.ts';

export interface TenantResolver {
  /** The tenant of a host name as the client sent it (port included), or `undefined` for none. */
  byHost(host: string): Promise<Tenant | undefined>;
  /** The tenant with this id, or `undefined`. */
  byId(tenantId: string): Promise<Tenant | undefined>;
  /** Every tenant, the default one first: for the publisher. */
  all(): Promise<readonly Tenant[]>;
}
