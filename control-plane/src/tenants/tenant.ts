/**
 * A tenant as every request sees it: its own settings, with the deployment's where it has none.
 * Whatever belongs to a tenant carries its id: rows, unique indexes, associated data, page tokens,
 * derived tokens.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { ControlPlaneConfig } from '../config.ts';

export interface Tenant {
  /** A version-4 UUID: `nid` in tokens and rows. */
  readonly tenantId: string;
  /** `iss` and `aud` of its derived tokens. */
  readonly issuer: string;
  readonly audience: string;
  readonly apiKeyPrefix: string;
  readonly publicApiKeyPrefix: string;
  /** Former prefixes: keys that carry them are still accepted, none is issued with them. */
  readonly retiredApiKeyPrefixes: readonly string[];
  readonly apiKeyTtlDefaultSeconds: number;
  readonly apiKeyTtlMaxSeconds: number;
  readonly derivedTokenTtlDefaultSeconds: number;
  /** Never above the deployment's: that one bounds how long revocations are kept. */
  readonly derivedTokenTtlMaxSeconds: number;
  /** Issued and imported keys that are not revoked; absent for any number. */
  readonly apiKeysMax?: number;
}

/** What a tenant may set for itself. Everything absent is the deployment's. */
export type TenantSettings = Partial<Omit<Tenant, 'tenantId'>>;

export type TenantDefaults = Pick<
  ControlPlaneConfig,
  | 'issuer'
  | 'audience'
  | 'apiKeyPrefix'
  | 'publicApiKeyPrefix'
  | 'retiredApiKeyPrefixes'
  | 'apiKeyTtlDefaultSeconds'
  | 'apiKeyTtlMaxSeconds'
  | 'derivedTokenTtlDefaultSeconds'
  | 'derivedTokenTtlMaxSeconds'
  | 'apiKeysMax'
>;

/** The tenant with `settings` of its own over the deployment's. */
export function tenantOf(
  tenantId: string,
  settings: TenantSettings,
  defaults: TenantDefaults,
): Tenant {
  const derivedTokenTtlMaxSeconds = Math.min(
    settings.derivedTokenTtlMaxSeconds ?? defaults.derivedTokenTtlMaxSeconds,
    defaults.derivedTokenTtlMaxSeconds,
  );
  // What the deployment allows may have shrunk since the tenant chose.
  const apiKeyTtlMaxSeconds = Math.min(
    settings.apiKeyTtlMaxSeconds ?? defaults.apiKeyTtlMaxSeconds,
    defaults.apiKeyTtlMaxSeconds,
  );
  const apiKeysMax = lowest(settings.apiKeysMax, defaults.apiKeysMax);
  return {
    tenantId,
    issuer: settings.issuer ?? defaults.issuer,
    audience: settings.audience ?? settings.issuer ?? defaults.audience,
    apiKeyPrefix: settings.apiKeyPrefix ?? defaults.apiKeyPrefix,
    publicApiKeyPrefix: settings.publicApiKeyPrefix ?? defaults.publicApiKeyPrefix,
    retiredApiKeyPrefixes: settings.retiredApiKeyPrefixes ?? defaults.retiredApiKeyPrefixes,
    apiKeyTtlMaxSeconds,
    apiKeyTtlDefaultSeconds: Math.min(
      settings.apiKeyTtlDefaultSeconds ?? defaults.apiKeyTtlDefaultSeconds,
      apiKeyTtlMaxSeconds,
    ),
    derivedTokenTtlMaxSeconds,
    derivedTokenTtlDefaultSeconds: Math.min(
      settings.derivedTokenTtlDefaultSeconds ?? defaults.derivedTokenTtlDefaultSeconds,
      derivedTokenTtlMaxSeconds,
    ),
    ...(apiKeysMax === undefined ? {} : { apiKeysMax }),
  };
}

/** `undefined` if there is none of them. */
function lowest(...limits: ReadonlyArray<number | undefined>): number | undefined {
  const set = limits.filter((limit) => limit !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}

/** The tenant that exists without being created. It has no settings of its own. */
export function defaultTenant(defaults: TenantDefaults): Tenant {
  return tenantOf(DEFAULT_TENANT_ID, {}, defaults);
}
