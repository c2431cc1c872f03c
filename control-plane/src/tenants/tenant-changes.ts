/** What an audit event tells of a change of a tenant, by the field names of the REST API. Pure. */

import { canonicalJson } from '../api-keys/canonical-json.ts';
import type { AuditChanges } from '../audit/audit-event.ts';
import type { StoredTenant } from './store.ts';
import type { TenantSettings } from './tenant.ts';

/** The settings and what they are called outside, with those in seconds. */
export const SETTING_NAMES = {
  issuer: 'issuer',
  audience: 'audience',
  apiKeyPrefix: 'api_key_prefix',
  publicApiKeyPrefix: 'public_api_key_prefix',
  retiredApiKeyPrefixes: 'retired_api_key_prefixes',
  apiKeyTtlDefaultSeconds: 'api_key_ttl_default',
  apiKeyTtlMaxSeconds: 'api_key_ttl_max',
  derivedTokenTtlDefaultSeconds: 'derived_token_ttl_default',
  derivedTokenTtlMaxSeconds: 'derived_token_ttl_max',
  apiKeysMax: 'api_keys_max',
} as const satisfies Record<keyof TenantSettings, string>;

type Described = Pick<StoredTenant, 'name' | 'hosts' | 'settings'>;

/** The fields that differ; against `undefined`, every one that there is. */
export function tenantChanges(
  before: Described | undefined,
  after: Described | undefined,
): AuditChanges {
  const old = fieldsOf(before);
  const now = fieldsOf(after);
  const changes: Record<string, { before?: unknown; after?: unknown }> = {};
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (canonicalJson(old[name]) === canonicalJson(now[name])) continue;
    changes[name] = {
      ...(old[name] === undefined ? {} : { before: old[name] }),
      ...(now[name] === undefined ? {} : { after: now[name] }),
    };
  }
  return changes;
}

function fieldsOf(tenant: Described | undefined): Readonly<Record<string, unknown>> {
  if (tenant === undefined) return {};
  const settings = Object.entries(SETTING_NAMES).map(([key, name]) => {
    const value: unknown = Reflect.get(tenant.settings, key);
    return [name, key.endsWith('Seconds') && value !== undefined ? `${value}s` : value];
  });
  return { name: tenant.name, hosts: tenant.hosts, ...Object.fromEntries(settings) };
}
