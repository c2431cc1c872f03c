/**
 * The only reader of the environment (`docs/configuration.md`). Everything is parsed once into real
 * types; all problems are reported together, by name, and no value is ever part of a message.
 * Nothing that a guarantee rests on has a default.
 */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { isUuidV4 } from '@cardea/shared/bytes/uuid';
import { EDGE_SECRET_BYTES, isEdgeId } from '@cardea/shared/feed/sealed-key';
import type { JwtPolicy } from '@cardea/shared/jwt/verify';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_CEILING,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '@cardea/shared/limits';
import { readPath } from '@cardea/shared/path/read-path';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { parseRoutes, type RouteRule } from './routes.ts';

/** What the runtime hands to the worker: variables, secrets and bindings, by name. */
export type EdgeEnvironment = Readonly<Record<string, unknown>>;

export interface EdgeConfig {
  readonly environmentId: string;
  /** What a token must say to be accepted here. */
  readonly jwtPolicy: JwtPolicy;
  /** base64url of 32 bytes each. */
  readonly feedPublicKeys: readonly string[];
  readonly feedHardSeconds: number;
  readonly clockSkewSeconds: number;
  /** Scheme, host, port and path prefix of the API, without a final slash. */
  readonly originBase: string;
  readonly routes: readonly RouteRule[];
  /** Whether the origin gets the client's Authorization header. */
  readonly forwardCredential: boolean;
  readonly feedNamespace: KVNamespace;
  /** As the control plane registered this edge; without it macaroons are refused. */
  readonly edgeCredentials?: EdgeCredentials;
}

export interface EdgeCredentials {
  readonly edgeId: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** The edge cannot run. `problems` name settings and rules, never values. */
export class ConfigInvalid extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is invalid: ${problems.join('; ')}`);
    this.name = 'ConfigInvalid';
    this.problems = problems;
  }
}

/** Smallest bound: the publisher's heartbeat is a quarter of it, in whole seconds, at least two. */
const FEED_HARD_SECONDS_MIN = 8;
const FEED_HARD_SECONDS_MAX = 24 * 60 * 60;
const FEED_HARD_SECONDS_DEFAULT = 120;

const ENVIRONMENT_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Printable ASCII that can stand in a quoted string of a header (RFC 9110 §5.6.4) as it is. */
const AUDIENCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;
const PUBLIC_KEY_BYTES = 32;

/** Throws {@link ConfigInvalid} with every problem. */
export function parseEdgeConfig(env: EdgeEnvironment): EdgeConfig {
  const problems: string[] = [];
  const settings = new Settings(env, problems);
  const issuer = settings.text('ISSUER', isIssuer, 'an http(s) URL without query or fragment');
  const clockSkewSeconds = settings.integer('CLOCK_SKEW_SECONDS', {
    ...{ min: 0, max: CLOCK_SKEW_SECONDS_MAX, fallback: 60 },
  });
  const config = {
    environmentId: settings.text(
      'ENVIRONMENT_ID',
      (text) => ENVIRONMENT_ID.test(text),
      '1 to 64 of A-Z a-z 0-9 . _ -',
    ),
    jwtPolicy: {
      issuer,
      audience: settings.has('AUDIENCE')
        ? settings.text('AUDIENCE', (text) => AUDIENCE.test(text), 'printable ASCII')
        : issuer,
      tenantId: settings.has('TENANT_ID')
        ? settings.text('TENANT_ID', isUuidV4, 'a lowercase version-4 UUID')
        : DEFAULT_TENANT_ID,
      lifetimeSecondsMax: settings.integer('DERIVED_TOKEN_TTL_MAX_SECONDS', {
        min: 1,
        max: DERIVED_TOKEN_TTL_SECONDS_CEILING,
        fallback: DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
      }),
      clockSkewSeconds,
    },
    feedPublicKeys: settings
      .text('FEED_PUBLIC_KEYS', isKeyList, 'base64url of 32 bytes each, separated by commas')
      .split(',')
      .map((key) => key.trim()),
    feedHardSeconds: settings.integer('FEED_HARD_SECONDS', {
      min: FEED_HARD_SECONDS_MIN,
      max: FEED_HARD_SECONDS_MAX,
      fallback: FEED_HARD_SECONDS_DEFAULT,
    }),
    clockSkewSeconds,
    originBase: originBaseOf(
      settings.text(
        'ORIGIN_URL',
        (text) => originBaseOf(text) !== undefined,
        'an http(s) origin with an optional path, without user, query or fragment',
      ),
    ),
    routes: readRoutes(settings, problems),
    forwardCredential: settings.boolean('FORWARD_CREDENTIAL'),
    feedNamespace: isNamespace(env.FEED) ? env.FEED : undefined,
  };
  const edgeCredentials = readEdgeCredentials(settings);
  const { originBase, feedNamespace } = config;
  if (feedNamespace === undefined) problems.push('FEED: missing, must be a KV namespace');
  if (problems.length > 0 || originBase === undefined || feedNamespace === undefined) {
    throw new ConfigInvalid(problems);
  }
  return {
    ...{ ...config, originBase, feedNamespace },
    ...(edgeCredentials === undefined ? {} : { edgeCredentials }),
  };
}

interface IntegerRule {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** Reads settings one by one and collects what is wrong with them. */
class Settings {
  readonly #env: EdgeEnvironment;
  readonly #problems: string[];

  constructor(env: EdgeEnvironment, problems: string[]) {
    this.#env = env;
    this.#problems = problems;
  }

  /** Whether it is set. An empty text counts as not set: that is how templates leave it. */
  has(name: string): boolean {
    return this.#read(name) !== '';
  }

  text(name: string, isValid: (text: string) => boolean, expected: string): string {
    const text = this.#read(name);
    if (text === '') this.#problems.push(`${name}: missing, must be ${expected}`);
    else if (!isValid(text)) this.#problems.push(`${name}: must be ${expected}`);
    return text;
  }

  integer(name: string, { min, max, fallback }: IntegerRule): number {
    const text = this.#read(name);
    if (text === '') return fallback;
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#problems.push(`${name}: must be a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** False unless it says `true`. */
  boolean(name: string): boolean {
    const text = this.#read(name);
    if (text !== '' && text !== 'true' && text !== 'false') {
      this.#problems.push(`${name}: must be "true" or "false"`);
    }
    return text === 'true';
  }

  /** Numbers and booleans as wrangler.toml may have them unquoted; anything else is no text. */
  #read(name: string): string {
    const value = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return typeof value === 'string' ? value.trim() : '';
  }
}

/** Both or neither: with one of them alone an operator meant something that would not happen. */
function readEdgeCredentials(settings: Settings): EdgeCredentials | undefined {
  if (!settings.has('EDGE_ID') && !settings.has('EDGE_SECRET')) return undefined;
  const edgeId = settings.text('EDGE_ID', isEdgeId, '1 to 64 of A-Z a-z 0-9 . _ -');
  const secret = settings.text(
    'EDGE_SECRET',
    (text) => decodeBase64url(text)?.length === EDGE_SECRET_BYTES,
    'base64url of 32 bytes',
  );
  return { edgeId, secret: decodeBase64url(secret) ?? new Uint8Array() };
}

function readRoutes(settings: Settings, problems: string[]): readonly RouteRule[] {
  const text = settings.text('ROUTES', () => true, 'a JSON array of rules');
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    problems.push('ROUTES: is not JSON'); // The parser's own message would quote the text.
    return [];
  }
  return parseRoutes(value, (problem) => problems.push(problem));
}

/** `iss` is compared as text, so the URL only has to be one; it is used as it was written. */
function isIssuer(text: string): boolean {
  const url = parseHttpUrl(text);
  return url !== undefined && AUDIENCE.test(text) && !/[?#]/.test(text);
}

function originBaseOf(text: string): string | undefined {
  const url = parseHttpUrl(text);
  if (url === undefined || /[?#\\]/.test(text)) return undefined;
  if (url.username !== '' || url.password !== '' || text.includes('@')) return undefined;
  if (!readPath(url.pathname).ok) return undefined;
  return url.origin + (url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname);
}

function parseHttpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

function isKeyList(text: string): boolean {
  return text.split(',').every((key) => decodeBase64url(key.trim())?.length === PUBLIC_KEY_BYTES);
}

function isNamespace(value: unknown): value is KVNamespace {
  return typeof value === 'object' && value !== null && 'get' in value;
}
