/**
 * The only reader of the environment. Parses it once into real types, reports all problems in one
 * message by name, never prints a value, and has no default for what would weaken security.
 * `docs/configuration.md` explains each name.
 */

import { decodeHex } from '@cardea/shared/bytes/hex';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '@cardea/shared/limits';
import { type Ed25519PrivateJwk, NO_KEY, parseEd25519PrivateJwk } from './ed25519-private-jwk.ts';
import { Secret } from './secret.ts';

export interface ControlPlaneBindings {
  readonly database: D1Database;
  readonly feed: KVNamespace;
  readonly hub: DurableObjectNamespace;
  readonly attempts: DurableObjectNamespace;
}

export interface ControlPlaneConfig {
  /** The master secret, then the former ones: every purpose derives its own key from them. */
  readonly secrets: readonly [Secret<string>, ...Secret<string>[]];
  readonly adminTokenSha256: Uint8Array<ArrayBuffer>;
  readonly feedSigningKey: Secret<Ed25519PrivateJwk>;
  readonly environmentId: string;
  readonly issuer: string;
  readonly audience: string;
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
  readonly clockSkewSeconds: number;
  readonly exchangeFailuresPerMinute: number;
  readonly bindings: ControlPlaneBindings;
}

/** The environment cannot be used. `problems` name settings and rules, never values. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is invalid. ${problems.join('. ')}.`);
    this.problems = problems;
  }
}

const parsed = new WeakMap<object, ControlPlaneConfig>();

/** The configuration of this isolate, parsed at first use. Throws {@link ConfigInvalid}. */
export function readConfig(env: object): ControlPlaneConfig {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const config = parseConfig(env);
  parsed.set(env, config);
  return config;
}

const DAY_SECONDS = 24 * 60 * 60;
const SECRET_LENGTH_MIN = 32;
/** A quarter of a short bound, where that is less. */
const HEARTBEAT_SECONDS_DEFAULT = 30;
const ENVIRONMENT_ID = /^[A-Za-z0-9._-]{1,64}$/;
const PREFIX = /^[A-Za-z0-9_]{1,16}$/;
const PREFIX_RULE = '1 to 16 of A–Z a–z 0–9 _';

/** Throws {@link ConfigInvalid} with every problem at once. */
export function parseConfig(env: object): ControlPlaneConfig {
  const source = new Source(env);
  const issuer = readIssuer(source);
  const ttls = readTtls(source);
  const config = {
    secrets: readSecrets(source),
    adminTokenSha256: readAdminTokenHash(source),
    feedSigningKey: new Secret(readFeedSigningKey(source)),
    environmentId: source.matching('ENVIRONMENT_ID', {
      pattern: ENVIRONMENT_ID,
      rule: '1 to 64 of A–Z a–z 0–9 . _ -',
    }),
    issuer,
    audience: source.optional('AUDIENCE') ?? issuer,
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
    bindings: {
      database: source.binding<D1Database>('DB'),
      feed: source.binding<KVNamespace>('FEED'),
      hub: source.binding<DurableObjectNamespace>('HUB'),
      attempts: source.binding<DurableObjectNamespace>('ATTEMPTS'),
    },
  };
  if (source.problems.length > 0) throw new ConfigInvalid(source.problems);
  return config;
}

/** Reads single settings and collects what is wrong with them. */
class Source {
  readonly problems: string[] = [];
  readonly #env: object;

  constructor(env: object) {
    this.#env = env;
  }

  /** The text, or `undefined` if the setting is absent or empty. */
  optional(name: string): string | undefined {
    const value: unknown = Reflect.get(this.#env, name);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'number') return String(value); // `[vars]` may hold TOML numbers.
    if (typeof value === 'string') return value;
    return this.#problem(name, 'not a text', undefined);
  }

  required(name: string): string {
    return this.optional(name) ?? this.#problem(name, 'missing', '');
  }

  matching(name: string, { pattern, rule, or }: Pattern): string {
    const text = or === undefined ? this.required(name) : (this.optional(name) ?? or);
    if (text !== '' && !pattern.test(text)) this.fail(name, `must be ${rule}`);
    return text;
  }

  integer(name: string, { min, max, or }: IntegerRange): number {
    const text = this.optional(name);
    if (text === undefined) return or;
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return this.#problem(name, `must be an integer from ${min} to ${max}`, or);
  }

  binding<T extends object>(name: string): T {
    const value: unknown = Reflect.get(this.#env, name);
    if (typeof value !== 'object' || value === null) this.fail(name, 'binding missing');
    return value as T; // What kind of binding it is, only its first use can show.
  }

  fail(name: string, rule: string): void {
    this.problems.push(`${name}: ${rule}`);
  }

  #problem<T>(name: string, rule: string, standIn: T): T {
    this.fail(name, rule);
    return standIn;
  }
}

interface Pattern {
  readonly pattern: RegExp;
  readonly rule: string;
  readonly or?: string;
}

interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly or: number;
}

function readSecrets(source: Source): readonly [Secret<string>, ...Secret<string>[]] {
  const current = source.required('CARDEA_SECRET');
  const rule = `must have at least ${SECRET_LENGTH_MIN} characters`;
  if (current !== '' && current.length < SECRET_LENGTH_MIN) source.fail('CARDEA_SECRET', rule);
  const retired = (source.optional('CARDEA_SECRET_RETIRED') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (retired.some((text) => text.length < SECRET_LENGTH_MIN)) {
    source.fail('CARDEA_SECRET_RETIRED', `each ${rule}`);
  }
  return [new Secret(current), ...retired.map((text) => new Secret(text))];
}

function readAdminTokenHash(source: Source): Uint8Array<ArrayBuffer> {
  const text = source.required('ADMIN_TOKEN_SHA256');
  const hash = decodeHex(text);
  if (hash?.length === 32) return hash;
  if (text !== '') source.fail('ADMIN_TOKEN_SHA256', 'must be 64 lowercase hexadecimal digits');
  return new Uint8Array(0);
}

function readFeedSigningKey(source: Source): Ed25519PrivateJwk {
  const text = source.required('FEED_SIGNING_KEY');
  const jwk = parseEd25519PrivateJwk(text);
  if (jwk !== undefined) return jwk;
  if (text !== '') source.fail('FEED_SIGNING_KEY', 'must be a private Ed25519 JWK (RFC 8037)');
  return NO_KEY;
}

function readIssuer(source: Source): string {
  const issuer = source.required('ISSUER');
  if (issuer === '') return issuer;
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!isHttp || /[?#\s]/.test(issuer)) {
    source.fail('ISSUER', 'must be an http(s) URL without query or fragment');
  }
  return issuer;
}

function readQuota(source: Source): { readonly apiKeysMax?: number } {
  if (source.optional('API_KEYS_MAX') === undefined) return {};
  return { apiKeysMax: source.integer('API_KEYS_MAX', { min: 1, max: 999_999_999_999, or: 1 }) };
}

function readPrefixes(source: Source) {
  const rule = { pattern: PREFIX, rule: PREFIX_RULE };
  const apiKeyPrefix = source.matching('API_KEY_PREFIX', { ...rule, or: 'ck' });
  const publicApiKeyPrefix = source.matching('PUBLIC_API_KEY_PREFIX', { ...rule, or: 'ckp' });
  if (apiKeyPrefix === publicApiKeyPrefix) {
    source.fail('PUBLIC_API_KEY_PREFIX', 'must differ from API_KEY_PREFIX');
  }
  const retiredApiKeyPrefixes = (source.optional('API_KEY_PREFIXES_RETIRED') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (!retiredApiKeyPrefixes.every((prefix) => PREFIX.test(prefix))) {
    source.fail('API_KEY_PREFIXES_RETIRED', `each must be ${PREFIX_RULE}`);
  }
  return { apiKeyPrefix, publicApiKeyPrefix, retiredApiKeyPrefixes };
}

/** At most half the bound: one lost heartbeat must not close the edges. */
function readFeedBound(source: Source) {
  const range = { min: 8, max: DAY_SECONDS, or: 120 };
  const feedHardSeconds = source.integer('FEED_HARD_SECONDS', range);
  const feedHeartbeatSeconds = source.integer('FEED_HEARTBEAT_SECONDS', {
    min: 1,
    max: Math.floor(feedHardSeconds / 2),
    or: Math.min(HEARTBEAT_SECONDS_DEFAULT, Math.floor(feedHardSeconds / 4)),
  });
  return { feedHardSeconds, feedHeartbeatSeconds };
}

function readTtls(source: Source) {
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
      max: 30 * DAY_SECONDS,
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
