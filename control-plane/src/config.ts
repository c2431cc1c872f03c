/**
 * The settings that the control plane has wherever it runs. Together with `config.workers.ts` and
 * `config.node.ts` the only reader of the environment: parsed once into real types, all problems
 * reported in one message by name, never a value, and no default for what would weaken security.
 * `docs/configuration.md` explains each name.
 */

import { decodeHex } from '@cardea/shared/bytes/hex';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_CEILING,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '@cardea/shared/limits';
import type { AdminJwtPolicy } from './admin-auth/admin-jwt.ts';
import { isJwksUrl, parseRoles } from './admin-auth/jwt-settings.ts';
import { ADMIN_ROLES } from './admin-credentials/admin-credential.ts';
import { isApiKeyPrefix, PREFIX_RULE } from './api-keys/prefixes.ts';
import type { SettingsSource } from './config-source.ts';
import { type Ed25519PrivateJwk, NO_KEY, parseEd25519PrivateJwk } from './ed25519-private-jwk.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { Secret } from './secret.ts';
import { SURFACES, type Surface } from './surface.ts';
import { normalHostName } from './tenants/host-name.ts';
import { ISSUER_RULE, isIssuer } from './tenants/issuer.ts';

export interface ControlPlaneConfig {
  readonly surface: Surface;
  /** The master secret, then the former ones: every purpose derives its own key from them. */
  readonly secrets: readonly [Secret<string>, ...Secret<string>[]];
  /** Absent: there is no bootstrap token. */
  readonly adminTokenSha256?: Uint8Array<ArrayBuffer>;
  /** Absent: no JWT makes anybody an administrator. */
  readonly adminJwt?: AdminJwtPolicy & { readonly jwksUrl: string };
  readonly adminFailuresPerMinute: number;
  readonly feedSigningKey: Secret<Ed25519PrivateJwk>;
  readonly environmentId: string;
  readonly issuer: string;
  readonly audience: string;
  /** Who is meant by a host name that belongs to no tenant. */
  readonly unknownHost: UnknownHost;
  /** In normal form (`tenants/host-name`), the issuer's among them. */
  readonly defaultTenantHosts: readonly string[];
  /** Whether lists may be filtered by status alone, which Talos refuses. */
  readonly statusOnlyFilter: StatusOnlyFilter;
  readonly apiKeyPrefix: string;
  readonly publicApiKeyPrefix: string;
  readonly retiredApiKeyPrefixes: readonly string[];
  readonly apiKeyTtlDefaultSeconds: number;
  readonly apiKeyTtlMaxSeconds: number;
  /** Issued and imported keys of one tenant that are not revoked; absent for any number. */
  readonly apiKeysMax?: number;
  readonly derivedTokenTtlDefaultSeconds: number;
  readonly derivedTokenTtlMaxSeconds: number;
  readonly feedHardSeconds: number;
  /** Longest time between two heads. */
  readonly feedHeartbeatSeconds: number;
  /** Between the first write of an object and the first head that relies on it. */
  readonly feedObjectArrivalSeconds: number;
  readonly clockSkewSeconds: number;
  readonly exchangeFailuresPerMinute: number;
  /** How long one macaroon key mints. */
  readonly macaroonEpochSeconds: number;
  /** How long the row of an expired key is kept. */
  readonly keyRetentionDays: number;
  readonly auditRetentionDays: number;
  /** Lines of the log below it are left out. */
  readonly logLevel: LogLevel;
}

/** `refuse`: 404, but for what concerns the deployment and no tenant. */
export type UnknownHost = 'default_tenant' | 'refuse';

const UNKNOWN_HOST: readonly UnknownHost[] = ['default_tenant', 'refuse'];

/** `refuse`: as strict as Talos, for programs that are held to its behaviour. */
export type StatusOnlyFilter = 'allow' | 'refuse';

const STATUS_ONLY_FILTER: readonly StatusOnlyFilter[] = ['allow', 'refuse'];

const DAY_SECONDS = 24 * 60 * 60;
const SECRET_LENGTH_MIN = 32;
/** Ten years. */
const RETENTION_DAYS_MAX = 3650;
/** A quarter of a short bound, where that is less. */
const HEARTBEAT_SECONDS_DEFAULT = 30;
/** As long as KV may remember that there was no such object; less where nothing remembers. */
const OBJECT_ARRIVAL_SECONDS_MAX = 120;
/** A day: no shorter than the oldest feed that an edge may be told to use. */
const EPOCH_SECONDS_MIN = DAY_SECONDS;
const ENVIRONMENT_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What is wrong is left in `source.problems`: whoever calls this looks there before any use. */
export function readSharedSettings(source: SettingsSource): ControlPlaneConfig {
  const issuer = readIssuer(source);
  const ttls = readTtls(source);
  return {
    surface: source.oneOf('SURFACE', { values: SURFACES, or: 'all' }),
    secrets: readSecrets(source),
    ...readAdminTokenHash(source),
    ...readAdminJwt(source, issuer),
    adminFailuresPerMinute: source.integer('ADMIN_FAILURES_PER_MINUTE', {
      min: 1,
      max: 100_000,
      or: 30,
    }),
    feedSigningKey: new Secret(readFeedSigningKey(source)),
    environmentId: source.matching('ENVIRONMENT_ID', {
      pattern: ENVIRONMENT_ID,
      rule: '1 to 64 of A–Z a–z 0–9 . _ -',
    }),
    issuer,
    audience: source.optional('AUDIENCE') ?? issuer,
    ...readHosts(source, issuer),
    statusOnlyFilter: source.oneOf('STATUS_ONLY_FILTER', {
      values: STATUS_ONLY_FILTER,
      or: 'allow',
    }),
    ...readPrefixes(source),
    ...ttls,
    ...readQuota(source),
    ...readFeedBound(source),
    clockSkewSeconds: source.integer('CLOCK_SKEW_SECONDS', {
      min: 0,
      max: CLOCK_SKEW_SECONDS_MAX,
      or: 60,
    }),
    exchangeFailuresPerMinute: source.integer('EXCHANGE_FAILURES_PER_MINUTE', {
      min: 1,
      max: 100_000,
      or: 30,
    }),
    ...readEpochs(source, ttls),
    ...readRetention(source),
    logLevel: source.oneOf('LOG_LEVEL', { values: LOG_LEVELS, or: 'info' }),
  };
}

/** Long enough that few ended epochs have living tokens: the keys of each stand in the feed. */
function readEpochs(
  source: SettingsSource,
  { derivedTokenTtlMaxSeconds }: Pick<ControlPlaneConfig, 'derivedTokenTtlMaxSeconds'>,
) {
  const min = Math.max(EPOCH_SECONDS_MIN, Math.ceil(derivedTokenTtlMaxSeconds / 2));
  const range = { min, max: 90 * DAY_SECONDS, or: Math.max(7 * DAY_SECONDS, min) };
  return { macaroonEpochSeconds: source.integer('MACAROON_EPOCH_SECONDS', range) };
}

function readRetention(source: SettingsSource) {
  const keyDays = { min: 1, max: RETENTION_DAYS_MAX, or: 30 };
  const auditDays = { min: 1, max: RETENTION_DAYS_MAX, or: 400 };
  return {
    keyRetentionDays: source.integer('KEY_RETENTION_DAYS', keyDays),
    auditRetentionDays: source.integer('AUDIT_RETENTION_DAYS', auditDays),
  };
}

function readSecrets(source: SettingsSource): readonly [Secret<string>, ...Secret<string>[]] {
  const current = source.required('CARDEA_SECRET');
  const rule = `must have at least ${SECRET_LENGTH_MIN} characters`;
  if (current !== '' && current.length < SECRET_LENGTH_MIN) source.fail('CARDEA_SECRET', rule);
  const retired = source.list('CARDEA_SECRET_RETIRED');
  if (retired.some((text) => text.length < SECRET_LENGTH_MIN)) {
    source.fail('CARDEA_SECRET_RETIRED', `each ${rule}`);
  }
  return [new Secret(current), ...retired.map((text) => new Secret(text))];
}

/** Turned off by a word of its own: a setting that got lost must not lock everybody out in silence. */
function readAdminTokenHash(source: SettingsSource): Pick<ControlPlaneConfig, 'adminTokenSha256'> {
  const text = source.required('ADMIN_TOKEN_SHA256');
  const hash = decodeHex(text);
  if (hash?.length === 32) return { adminTokenSha256: hash };
  if (text !== '' && text !== 'disabled') {
    source.fail('ADMIN_TOKEN_SHA256', 'must be 64 lowercase hexadecimal digits, or disabled');
  }
  return {};
}

const CLAIM = {
  pattern: /^[^/].{0,254}$|^(?:\/[^/]{1,100}){1,8}$/u,
  rule: 'a claim or a JSON Pointer',
};

/** All of it or nothing: half a trust would be a trust that nobody chose. */
function readAdminJwt(
  source: SettingsSource,
  ownIssuer: string,
): Pick<ControlPlaneConfig, 'adminJwt'> {
  const required = ['ADMIN_JWT_ISSUER', 'ADMIN_JWT_AUDIENCE', 'ADMIN_JWT_JWKS_URL'];
  const named = [...required, 'ADMIN_JWT_ROLE_CLAIM', 'ADMIN_JWT_ROLES', 'ADMIN_JWT_TENANT_CLAIM'];
  if (named.every((name) => source.optional(name) === undefined)) return {};
  const [issuer = '', audience = '', jwksUrl = ''] = required.map((name) => source.required(name));
  // Clients choose claims of derived tokens: none of those may ever make an administrator.
  if (issuer === ownIssuer) source.fail('ADMIN_JWT_ISSUER', 'must be another one than ISSUER');
  if (jwksUrl !== '' && !isJwksUrl(jwksUrl)) {
    source.fail('ADMIN_JWT_JWKS_URL', 'must be an https URL (http on this machine alone)');
  }
  const roleClaim = source.matching('ADMIN_JWT_ROLE_CLAIM', CLAIM);
  const hasTenants = source.optional('ADMIN_JWT_TENANT_CLAIM') !== undefined;
  const tenantClaim = hasTenants ? source.matching('ADMIN_JWT_TENANT_CLAIM', CLAIM) : undefined;
  const roles = parseRoles(source.required('ADMIN_JWT_ROLES'));
  if (roles === undefined) {
    source.fail(
      'ADMIN_JWT_ROLES',
      `must be JSON: values of the claim to ${ADMIN_ROLES.join(', ')}`,
    );
  }
  return {
    adminJwt: {
      ...{ issuer, audience, jwksUrl, roleClaim, roles: roles ?? new Map() },
      ...(tenantClaim === undefined ? {} : { tenantClaim }),
    },
  };
}

function readFeedSigningKey(source: SettingsSource): Ed25519PrivateJwk {
  const text = source.required('FEED_SIGNING_KEY');
  const jwk = parseEd25519PrivateJwk(text);
  if (jwk !== undefined) return jwk;
  if (text !== '') source.fail('FEED_SIGNING_KEY', 'must be a private Ed25519 JWK (RFC 8037)');
  return NO_KEY;
}

function readIssuer(source: SettingsSource): string {
  const issuer = source.required('ISSUER');
  if (issuer === '') return issuer;
  if (!isIssuer(issuer)) source.fail('ISSUER', `must be ${ISSUER_RULE}`);
  return issuer;
}

/** The host of the issuer leads to the default tenant anyway, so that no tenant can take it. */
function readHosts(source: SettingsSource, issuer: string) {
  const unknownHost = source.oneOf('UNKNOWN_HOST', { values: UNKNOWN_HOST, or: 'default_tenant' });
  const hosts = source.list('DEFAULT_TENANT_HOSTS').map(normalHostName);
  if (hosts.includes(undefined)) {
    source.fail('DEFAULT_TENANT_HOSTS', 'each must be a host name or an address');
  }
  const issuerHost = isIssuer(issuer) ? normalHostName(new URL(issuer).host) : undefined;
  const known = [issuerHost, ...hosts].filter((host) => host !== undefined);
  return { unknownHost, defaultTenantHosts: [...new Set(known)] };
}

function readQuota(source: SettingsSource): { readonly apiKeysMax?: number } {
  if (source.optional('API_KEYS_MAX') === undefined) return {};
  return { apiKeysMax: source.integer('API_KEYS_MAX', { min: 1, max: 999_999_999_999, or: 1 }) };
}

function readPrefixes(source: SettingsSource) {
  const read = (name: string, or: string): string => {
    const prefix = source.optional(name) ?? or;
    if (!isApiKeyPrefix(prefix)) source.fail(name, `must be ${PREFIX_RULE}`);
    return prefix;
  };
  const apiKeyPrefix = read('API_KEY_PREFIX', 'ck');
  const publicApiKeyPrefix = read('PUBLIC_API_KEY_PREFIX', 'ckp');
  if (apiKeyPrefix === publicApiKeyPrefix) {
    source.fail('PUBLIC_API_KEY_PREFIX', 'must differ from API_KEY_PREFIX');
  }
  const retiredApiKeyPrefixes = source.list('API_KEY_PREFIXES_RETIRED');
  if (!retiredApiKeyPrefixes.every(isApiKeyPrefix)) {
    source.fail('API_KEY_PREFIXES_RETIRED', `each must be ${PREFIX_RULE}`);
  }
  return { apiKeyPrefix, publicApiKeyPrefix, retiredApiKeyPrefixes };
}

/** At most half the bound: one lost heartbeat must not close the edges. */
function readFeedBound(source: SettingsSource) {
  const range = { min: 8, max: DAY_SECONDS, or: 120 };
  const feedHardSeconds = source.integer('FEED_HARD_SECONDS', range);
  const feedHeartbeatSeconds = source.integer('FEED_HEARTBEAT_SECONDS', {
    min: 1,
    max: Math.floor(feedHardSeconds / 2),
    or: Math.min(HEARTBEAT_SECONDS_DEFAULT, Math.floor(feedHardSeconds / 4)),
  });
  const feedObjectArrivalSeconds = source.integer('FEED_OBJECT_ARRIVAL_SECONDS', {
    ...{ min: 0, max: OBJECT_ARRIVAL_SECONDS_MAX, or: OBJECT_ARRIVAL_SECONDS_MAX },
  });
  return { feedHardSeconds, feedHeartbeatSeconds, feedObjectArrivalSeconds };
}

function readTtls(source: SettingsSource) {
  const max = 10 * 365 * DAY_SECONDS; // Talos's own ceiling, 315360000 s.
  const ttls = {
    apiKeyTtlDefaultSeconds: source.integer('API_KEY_TTL_DEFAULT_SECONDS', {
      min: 1,
      max,
      or: 90 * DAY_SECONDS,
    }),
    apiKeyTtlMaxSeconds: source.integer('API_KEY_TTL_MAX_SECONDS', {
      min: 1,
      max,
      or: 365 * DAY_SECONDS,
    }),
    derivedTokenTtlDefaultSeconds: source.integer('DERIVED_TOKEN_TTL_DEFAULT_SECONDS', {
      min: 1,
      max: DAY_SECONDS,
      or: 3600,
    }),
    derivedTokenTtlMaxSeconds: source.integer('DERIVED_TOKEN_TTL_MAX_SECONDS', {
      min: 1,
      max: DERIVED_TOKEN_TTL_SECONDS_CEILING,
      or: DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
    }),
  };
  if (ttls.apiKeyTtlDefaultSeconds > ttls.apiKeyTtlMaxSeconds) {
    source.fail('API_KEY_TTL_DEFAULT_SECONDS', 'must not exceed API_KEY_TTL_MAX_SECONDS');
  }
  if (ttls.derivedTokenTtlDefaultSeconds > ttls.derivedTokenTtlMaxSeconds) {
    const rule = 'must not exceed DERIVED_TOKEN_TTL_MAX_SECONDS';
    source.fail('DERIVED_TOKEN_TTL_DEFAULT_SECONDS', rule);
  }
  return ttls;
}
