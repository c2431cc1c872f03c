/**
 * A second opinion about caveats: random ones of every kind, each made together with what it allows, by
 * means that have nothing to do with how Cardea reads and clears its text. Few values, so that they meet.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import type { RequestFacts } from '@cardea/shared/macaroon/clear';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import type { MacaroonVerificationKey } from '@cardea/shared/macaroon/verify-token';
import { unixSeconds } from '@cardea/shared/time';
import type { Random } from '../simulation/random.ts';

export const NOW = unixSeconds(1_790_000_000);
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://api.example';
const TENANT_ID = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';
const KEY_ID = 'b1a7c9de-2f34-4c56-a789-0123456789ab';
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const OTHER_ID = '0c9f2f8e-6f0e-4d5b-8a61-0f6a3a1b7f11';

export const POLICY = {
  ...{ issuer: ISSUER, audience: AUDIENCE, tenantId: TENANT_ID },
  ...{ lifetimeSecondsMax: 86_400, clockSkewSeconds: 60 },
};
export const KEY: MacaroonVerificationKey = {
  ...{ kid: 'mk-1', issuer: ISSUER, audience: AUDIENCE, tenantId: TENANT_ID },
  notBeforeSeconds: unixSeconds(NOW - 100_000),
  notAfterSeconds: unixSeconds(NOW + 100_000),
  rootKey: Uint8Array.from({ length: 32 }, (_, i) => i * 5),
};

export interface ModelCaveat {
  readonly text: string;
  readonly allows: (request: RequestFacts) => boolean;
  /** Of a scope caveat: what it leaves. */
  readonly scopes?: readonly string[];
}

const SCOPES = ['a:read', 'a:write', 'b:read', 'b:write'] as const;
const METHODS = ['GET', 'POST', 'PUT'] as const;
const HOSTS = ['a.example', 'a.example:8443', 'b.example'] as const;
const TOOLS = ['read', 'search', 'write'] as const;
const PATHS: readonly [string, ...string[]] = ['', 'a', 'a/b', 'a/b/c', 'b', 'a b', 'é'];
const ADDRESSES = ['192.0.2.1', '192.0.2.200', '2001:db8::1', '2001:db8:1::1'] as const;
/** Ranges, and which of the addresses lie in them. */
const RANGES: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.0/24': ['192.0.2.1', '192.0.2.200'],
  '192.0.2.0/25': ['192.0.2.1'],
  '2001:db8::/32': ['2001:db8::1', '2001:db8:1::1'],
  '2001:db8::/48': ['2001:db8::1'],
  '10.0.0.0/8': [],
};
/** Patterns, and which of the paths match them. */
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  '/*': PATHS,
  '/': [''],
  '/a': ['a'],
  '/a/*': ['a', 'a/b', 'a/b/c'],
  '/a/b/*': ['a/b', 'a/b/c'],
  '/{}': ['a', 'b', 'a b', 'é'],
  '/{}/b': ['a/b'],
  '/{}/{}/*': ['a/b', 'a/b/c'],
  '/a%20b': ['a b'],
  '/%C3%A9': ['é'],
};
const GARBAGE = [
  '',
  'x',
  'method in get',
  'scope in',
  'time < tomorrow',
  'SCOPE IN a',
  '{}',
] as const;

function some(random: Random, items: readonly string[]): string[] {
  const picked = items.filter(() => random.chance(0.5));
  const sorted = (picked.length === 0 ? [items[0] ?? ''] : picked).sort();
  return sorted;
}

function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

type Make = (random: Random) => ModelCaveat;

const KINDS: readonly [Make, ...Make[]] = [
  (random) => {
    const at = NOW + random.integer(-20, 60);
    return { text: `time < ${timeText(at)}`, allows: (request) => request.nowSeconds < at };
  },
  (random) => {
    const at = NOW + random.integer(-60, 20);
    return { text: `time >= ${timeText(at)}`, allows: (request) => request.nowSeconds >= at };
  },
  (random) => {
    const scopes = some(random, SCOPES);
    const allows = ({ requiredScopes }: RequestFacts) =>
      requiredScopes.every((scope) => scopes.includes(scope));
    return { text: `scope in ${scopes.join(' ')}`, allows, scopes };
  },
  (random) => among('method', some(random, METHODS), ({ method }) => method),
  (random) => among('host', some(random, HOSTS), ({ host }) => host),
  (random) => among('tool', some(random, TOOLS), ({ tool }) => tool),
  (random) => covered('path', some(random, Object.keys(PATTERNS)), { of: PATTERNS, at: pathOf }),
  (random) =>
    covered('ip', some(random, Object.keys(RANGES)), {
      ...{ of: RANGES, at: ({ clientAddress }) => clientAddress },
    }),
  (random) => equal('audience', random.pick([AUDIENCE, ISSUER]), ({ audience }) => audience),
  (random) => equal('tenant', random.pick([TENANT_ID, TENANT_ID, OTHER_ID]), () => TENANT_ID),
  (random) => equal('actor', random.pick(['ann', 'ann', 'bob']), () => 'ann'),
  (random) => equal('key', random.pick([KEY_ID, KEY_ID, OTHER_ID]), () => KEY_ID),
  (random) => equal('token', random.pick([TOKEN_ID, TOKEN_ID, OTHER_ID]), () => TOKEN_ID),
  (random) => equal('ext:plan', random.pick(['pro', 'pro', 'free']), () => 'pro'),
  (random) => ({ text: `${random.pick(['cnf', 'budget', 'max_uses'])} = 1`, allows: () => false }),
  (random) => ({ text: random.pick(GARBAGE), allows: () => false }),
];

type Fact = (request: RequestFacts) => string | undefined;

function among(name: string, values: readonly string[], fact: Fact): ModelCaveat {
  const allows = (request: RequestFacts) => values.some((value) => value === fact(request));
  return { text: `${name} in ${values.join(' ')}`, allows };
}

interface Covering {
  readonly of: Readonly<Record<string, readonly string[]>>;
  readonly at: Fact;
}

function covered(name: string, values: readonly string[], { of, at }: Covering): ModelCaveat {
  const all = values.flatMap((value) => of[value] ?? []);
  const allows = (request: RequestFacts) => all.some((each) => each === at(request));
  return { text: `${name} in ${values.join(' ')}`, allows };
}

function equal(name: string, value: string, fact: Fact): ModelCaveat {
  return { text: `${name} = ${value}`, allows: (request) => fact(request) === value };
}

function pathOf({ path }: RequestFacts): string | undefined {
  return path?.join('/');
}

/** Mostly of kinds that something satisfies: else nothing would ever be accepted. */
export function randomCaveat(random: Random): ModelCaveat {
  const prohibiting = random.chance(0.05) ? KINDS.length : KINDS.length - 2;
  return (KINDS[random.integer(0, prohibiting - 1)] ?? KINDS[0])(random);
}

/** Now and then something is not known of a request. */
export function randomRequest(random: Random): RequestFacts {
  const maybe = <T>(value: T): T | undefined => (random.chance(0.1) ? undefined : value);
  const path = random.pick(PATHS);
  return {
    nowSeconds: unixSeconds(NOW + random.integer(-30, 40)),
    method: maybe(random.pick(METHODS)),
    host: maybe(random.pick(HOSTS)),
    path: maybe(path === '' ? [] : path.split('/')),
    clientAddress: maybe(random.pick(ADDRESSES)),
    tool: maybe(random.pick(TOOLS)),
    audience: maybe(AUDIENCE),
    ...{ tenantId: TENANT_ID, keyId: KEY_ID, tokenId: TOKEN_ID, actor: 'ann' },
    grantedScopes: [],
    requiredScopes: SCOPES.filter(() => random.chance(0.2)),
    extensions: new Map([['plan', (value: string) => value === 'pro']]),
  };
}

export interface ModelToken {
  readonly text: string;
  readonly scopes: readonly string[];
  readonly caveats: readonly ModelCaveat[];
}

/** A token as it is derived, with caveats that its issuer put in. */
export function randomToken(random: Random, caveatsMax: number): ModelToken {
  const scopes = SCOPES.filter(() => random.chance(0.8));
  const grant = {
    ...{ jti: TOKEN_ID, sub: KEY_ID, iss: ISSUER, aud: [AUDIENCE, 'x'], nid: TENANT_ID },
    ...{ iat: NOW - 100, exp: NOW + 1000, scp: scopes, act: 'ann', act_sid: '00112233aabbccdd' },
  };
  const count = random.integer(0, caveatsMax);
  const caveats = Array.from({ length: count }, () => randomCaveat(random));
  const macaroon = mintMacaroon({
    ...{ rootKey: KEY.rootKey, location: ISSUER },
    identifier: encodeIdentifier({ tokenId: TOKEN_ID, kid: KEY.kid }),
    firstPartyCaveats: [encodeBaseGrant(grant), ...caveats.map(({ text }) => encodeUtf8(text))],
  });
  const text = writeMacaroonToken({ macaroon, discharges: [] });
  if (!text.ok) throw new Error(text.refusal.reason);
  return { text: text.value, scopes, caveats };
}
