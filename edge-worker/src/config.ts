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
import { type FeedSettings, readFeedSettings } from './feed-settings.ts';
import { parseHttpUrl } from './http-url.ts';
import { parseRoutes, type RouteRule } from './routes.ts';
import { type EdgeEnvironment, Settings } from './settings.ts';

export interface EdgeConfig extends FeedSettings {
  readonly environmentId: string;
  /** What a token must say to be accepted here. */
  readonly jwtPolicy: JwtPolicy;
  /** base64url of 32 bytes each. */
  readonly feedPublicKeys: readonly string[];
  readonly clockSkewSeconds: number;
  /** Scheme, host, port and path prefix of the API, without a final slash. */
  readonly originBase: string;
  readonly routes: readonly RouteRule[];
  /** Whether the origin gets the client's Authorization header. */
  readonly forwardCredential: boolean;
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
    ...readFeedSettings(settings),
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
  };
  const edgeCredentials = readEdgeCredentials(settings);
  const { originBase } = config;
  if (config.laneB === undefined && config.routes.some(isStrict)) {
    problems.push('ROUTES: "strict" needs FEED_URL or FEED_SERVICE');
  }
  if (problems.length > 0 || originBase === undefined) throw new ConfigInvalid(problems);
  return {
    ...{ ...config, originBase },
    ...(edgeCredentials === undefined ? {} : { edgeCredentials }),
  };
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

function isStrict({ access }: RouteRule): boolean {
  return access.kind === 'token' && access.stale.strict === true;
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

function isKeyList(text: string): boolean {
  return text.split(',').every((key) => decodeBase64url(key.trim())?.length === PUBLIC_KEY_BYTES);
}
