/** The rules for what a tenant may set for itself, judged by what would then be in force. Pure. */

import { isApiKeyPrefix, PREFIX_RULE } from '../api-keys/prefixes.ts';
import { ISSUER_RULE, isIssuer } from './issuer.ts';
import { type TenantDefaults, type TenantSettings, tenantOf } from './tenant.ts';

/** Characters of an issuer and of an audience: they stand in the feed's keyset, once for each key. */
export const ISSUER_LENGTH_MAX = 255;
export const AUDIENCE_LENGTH_MAX = 255;

/** Former prefixes of one tenant: each is compared with when a key is read. */
export const RETIRED_PREFIXES_MAX = 16;

const AUDIENCE = /^[^\p{C}\p{Z}]+$/u;

/** The first rule that is broken, by the field's name in the REST API; `undefined` if none is. */
export function brokenSettingsRule(
  settings: TenantSettings,
  defaults: TenantDefaults,
): string | undefined {
  return (
    brokenNamesRule(settings) ??
    brokenPrefixesRule(settings, defaults) ??
    brokenLivesRule(settings, defaults) ??
    brokenQuotaRule(settings, defaults)
  );
}

/** A non-empty text without spaces or control characters: what may stand in `aud`. */
export function isAudience(text: string): boolean {
  return text.length <= AUDIENCE_LENGTH_MAX && AUDIENCE.test(text);
}

function brokenNamesRule({ issuer, audience }: TenantSettings): string | undefined {
  if (issuer !== undefined && (issuer.length > ISSUER_LENGTH_MAX || !isIssuer(issuer))) {
    return `issuer: must be ${ISSUER_RULE}, at most ${ISSUER_LENGTH_MAX} characters`;
  }
  if (audience === undefined || isAudience(audience)) return undefined;
  return `audience: must have 1 to ${AUDIENCE_LENGTH_MAX} characters, none of them a space`;
}

function brokenPrefixesRule(settings: TenantSettings, defaults: TenantDefaults) {
  const { apiKeyPrefix, publicApiKeyPrefix, retiredApiKeyPrefixes = [] } = settings;
  if (apiKeyPrefix !== undefined && !isApiKeyPrefix(apiKeyPrefix)) {
    return `api_key_prefix: must be ${PREFIX_RULE}`;
  }
  if (publicApiKeyPrefix !== undefined && !isApiKeyPrefix(publicApiKeyPrefix)) {
    return `public_api_key_prefix: must be ${PREFIX_RULE}`;
  }
  if (retiredApiKeyPrefixes.length > RETIRED_PREFIXES_MAX) {
    return `retired_api_key_prefixes: must have at most ${RETIRED_PREFIXES_MAX} elements`;
  }
  if (!retiredApiKeyPrefixes.every(isApiKeyPrefix)) {
    return `retired_api_key_prefixes: each must be ${PREFIX_RULE}`;
  }
  const inForce = tenantOf('', settings, defaults);
  return inForce.apiKeyPrefix === inForce.publicApiKeyPrefix
    ? 'public_api_key_prefix: must differ from api_key_prefix'
    : undefined;
}

function brokenLivesRule(settings: TenantSettings, defaults: TenantDefaults): string | undefined {
  const apiKeys = { usual: settings.apiKeyTtlDefaultSeconds, max: settings.apiKeyTtlMaxSeconds };
  const tokens = {
    usual: settings.derivedTokenTtlDefaultSeconds,
    max: settings.derivedTokenTtlMaxSeconds,
  };
  return (
    brokenLifeRule('api_key_ttl', { ...apiKeys, ceiling: defaults.apiKeyTtlMaxSeconds }) ??
    brokenLifeRule('derived_token_ttl', {
      ...tokens,
      ceiling: defaults.derivedTokenTtlMaxSeconds,
    })
  );
}

interface Life {
  readonly usual: number | undefined;
  readonly max: number | undefined;
  /** The deployment's own maximum. */
  readonly ceiling: number;
}

function brokenLifeRule(name: string, { usual, max, ceiling }: Life): string | undefined {
  if (max !== undefined && !isWholeWithin(max, ceiling)) {
    return `${name}_max: must be whole seconds, from 1s to the deployment's ${ceiling}s`;
  }
  const highest = max ?? ceiling;
  if (usual === undefined || isWholeWithin(usual, highest)) return undefined;
  return `${name}_default: must be whole seconds, from 1s to ${highest}s`;
}

function isWholeWithin(seconds: number, max: number): boolean {
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= max;
}

function brokenQuotaRule({ apiKeysMax }: TenantSettings, defaults: TenantDefaults) {
  if (apiKeysMax === undefined) return undefined;
  const ceiling = defaults.apiKeysMax ?? Number.MAX_SAFE_INTEGER;
  const isAllowed = Number.isSafeInteger(apiKeysMax) && apiKeysMax >= 1 && apiKeysMax <= ceiling;
  return isAllowed ? undefined : `api_keys_max: must be from 1 to ${ceiling}`;
}
