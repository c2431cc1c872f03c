/** From rows of `tenants`, of either dialect, to tenants. */

import { unixMilliseconds } from '@cardea/shared/time';
import type { StoredTenant } from '../tenants/store.ts';
import type { TenantSettings } from '../tenants/tenant.ts';
import type { tenants } from './schema.d1.ts';

/** `hosts`: the JSON array of its hosts. */
export function toTenant(
  row: typeof tenants.$inferSelect & { readonly hosts: string },
): StoredTenant {
  return {
    tenantId: row.nid,
    name: row.name,
    hosts: parseHosts(row.hosts),
    settings: parseSettings(row.settings),
    createTime: unixMilliseconds(row.createTimeMs),
    updateTime: unixMilliseconds(row.updateTimeMs),
    revision: row.revision,
  };
}

function parseHosts(json: string): readonly string[] {
  const hosts: string[] = JSON.parse(json);
  return hosts.sort();
}

/** Our own row: only this store writes it. */
function parseSettings(json: string): TenantSettings {
  return JSON.parse(json);
}
