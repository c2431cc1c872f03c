/**
 * A tenant as JSON. Its own settings stand beside its name, those that it has none of its own for are
 * left out; `effective` says what is in force.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { formatDuration } from '../../http/duration.ts';
import type { StoredTenant } from '../../tenants/store.ts';
import { type TenantSettings, tenantOf } from '../../tenants/tenant.ts';
import { SETTING_NAMES } from '../../tenants/tenant-changes.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

const durationText = () => z.string().meta({ description: 'A duration like "60s".' });

const SETTINGS = {
  issuer: z.string(),
  audience: z.string(),
  api_key_prefix: z.string(),
  public_api_key_prefix: z.string(),
  retired_api_key_prefixes: z.array(z.string()),
  api_key_ttl_default: durationText(),
  api_key_ttl_max: durationText(),
  derived_token_ttl_default: durationText(),
  derived_token_ttl_max: durationText(),
  api_keys_max: z.string().meta({ format: 'int64' }),
};

export const tenantAnswer = z.strictObject({
  tenant_id: z.string(),
  name: z.string(),
  hosts: z.array(z.string()),
  ...z.strictObject(SETTINGS).partial().shape,
  effective: z.strictObject({ ...SETTINGS, api_keys_max: SETTINGS.api_keys_max.optional() }),
  is_default: z.boolean(),
  create_time: timestampText().optional(),
  update_time: timestampText().optional(),
});

export const tenantsAnswer = z.strictObject({
  tenants: z.array(tenantAnswer),
  next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
});

type Defaults = Pick<Deps, 'config'>;

export function tenantMessage(tenant: StoredTenant, { config }: Defaults) {
  const { tenantId, name, hosts, settings, createTime, updateTime } = tenant;
  return {
    ...{ tenant_id: tenantId, name, hosts, ...settingMembers(settings) },
    effective: settingMembers(tenantOf(tenantId, settings, config)),
    is_default: false,
    create_time: timestamp(createTime),
    update_time: timestamp(updateTime),
  };
}

/** The tenant that has no row: it has the deployment's settings and was never created. */
export function defaultTenantMessage({ config }: Defaults) {
  return {
    tenant_id: DEFAULT_TENANT_ID,
    name: 'default',
    hosts: config.defaultTenantHosts,
    effective: settingMembers(tenantOf(DEFAULT_TENANT_ID, {}, config)),
    is_default: true,
  };
}

/** `undefined` members are left out of JSON. */
function settingMembers(settings: TenantSettings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(SETTING_NAMES).map(([key, name]) => [name, memberOf(key, settings)]),
  );
}

/** Durations and int64 as protojson writes them. */
function memberOf(key: string, settings: TenantSettings): unknown {
  const value: unknown = Reflect.get(settings, key);
  if (typeof value !== 'number') return value;
  return key.endsWith('Seconds') ? formatDuration(value) : String(value);
}

/** Where the tenant is to be had. */
export function tenantPath({ tenantId }: Pick<StoredTenant, 'tenantId'>): string {
  return `/v1/admin/tenants/${tenantId}`;
}
