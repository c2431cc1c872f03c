/**
 * Runs inside workerd: the same macaroons, of a base grant and four caveats, verified and cleared by
 * Cardea and by npm's `macaroon`, and JWTs with the same claims by Cardea's gate. The sides take turns, as
 * in `jwt-worker.ts`.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { importVerificationKey } from '@cardea/shared/crypto/verification-key';
import { type JwtVerificationKey, verifyJwtUnderKey } from '@cardea/shared/jwt/verify';
import { attenuateToken } from '@cardea/shared/macaroon/attenuate';
import { clearCaveats, type RequestFacts } from '@cardea/shared/macaroon/clear';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import {
  type MacaroonVerificationKey,
  verifyMacaroonToken,
} from '@cardea/shared/macaroon/verify-token';
import { type UnixSeconds, unixSeconds } from '@cardea/shared/time';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { importMacaroon } from 'macaroon';
import { measureInTurns } from './turns.ts';

const ISSUER = 'https://keys.bench.example';
const TENANT_ID = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';
const policy = {
  ...{ issuer: ISSUER, audience: ISSUER, tenantId: TENANT_ID },
  ...{ lifetimeSecondsMax: 86_400, clockSkewSeconds: 60 },
};

interface Prepared {
  readonly nowSeconds: UnixSeconds;
  readonly macaroonKey: MacaroonVerificationKey;
  readonly macaroons: readonly string[];
  readonly jwtKey: JwtVerificationKey;
  readonly jwts: readonly string[];
}

function claimsOf(index: number, nowSeconds: number) {
  const uuid = () => formatUuid(uuidV4FromRandom(crypto.getRandomValues(new Uint8Array(16))));
  return {
    ...{ jti: uuid(), sub: uuid(), iss: ISSUER, aud: ISSUER, nid: TENANT_ID },
    ...{ iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 3600 },
    ...{ act: `customer-${index}`, act_sid: index.toString(16).padStart(16, '0') },
    ...{ scp: ['notes:read', 'notes:write', 'notes:admin'], vis: 'secret' },
    meta: { plan: 'pro', region: 'eu-central' },
  };
}

/** As a holder narrows one for a tool: for minutes, to a path, a method and a scope. */
function caveatsAt(nowSeconds: number): string[] {
  const soon = new Date((nowSeconds + 1800) * 1000).toISOString().slice(0, 19);
  const known = ['method in GET HEAD', 'path in /v1/notes/*', 'scope in notes:read'];
  return [`time < ${soon}Z`, ...known];
}

async function prepare(tokenCount: number): Promise<Prepared> {
  const nowSeconds = unixSeconds(Date.now() / 1000);
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const imported = await importVerificationKey(await exportJWK(publicKey));
  if (!imported.ok) throw new Error(imported.refusal.reason);
  const binding = {
    ...{ tenantId: TENANT_ID, issuer: ISSUER, audience: ISSUER },
    notBeforeSeconds: unixSeconds(nowSeconds - 60),
    notAfterSeconds: unixSeconds(nowSeconds + 86_400),
  };
  const rootKey = crypto.getRandomValues(new Uint8Array(32));
  const macaroons: string[] = [];
  const jwts: string[] = [];
  for (let index = 0; index < tokenCount; index++) {
    const claims = claimsOf(index, nowSeconds);
    const header = { alg: 'EdDSA', kid: 'jwt-key', typ: 'JWT' };
    jwts.push(await new SignJWT(claims).setProtectedHeader(header).sign(privateKey));
    const macaroon = mintMacaroon({
      ...{ rootKey, location: ISSUER },
      identifier: encodeIdentifier({ tokenId: claims.jti, kid: 'macaroon-key' }),
      firstPartyCaveats: [encodeBaseGrant(claims)],
    });
    const text = writeMacaroonToken({ macaroon, discharges: [] });
    const narrowed = text.ok ? attenuateToken(text.value, caveatsAt(nowSeconds)) : text;
    if (!narrowed.ok) throw new Error(narrowed.refusal.reason);
    macaroons.push(narrowed.value);
  }
  const macaroonKey = { ...binding, kid: 'macaroon-key', rootKey };
  return {
    ...{ nowSeconds, macaroonKey, macaroons, jwts },
    jwtKey: { ...imported.value, ...binding, kid: 'jwt-key' },
  };
}

/** What the edge knows of a request, and what it takes of the token. */
const REQUEST = {
  ...{ method: 'GET', host: 'api.example', path: ['v1', 'notes', '17'], audience: ISSUER },
  requiredScopes: ['notes:read'],
} as const;

async function cardea({ nowSeconds, macaroonKey, macaroons }: Prepared, n: number) {
  const keys = new Map([[macaroonKey.kid, macaroonKey]]);
  for (let i = 0; i < n; i++) {
    const text = macaroons[i % macaroons.length] ?? '';
    const verified = verifyMacaroonToken(text, { keys, policy, nowSeconds });
    if (!verified.ok) throw new Error(verified.refusal.reason);
    const { claims, caveats } = verified.value;
    const facts: RequestFacts = {
      ...{ ...REQUEST, nowSeconds, tenantId: claims.tenantId, keyId: claims.keyId },
      ...{ tokenId: claims.tokenId, actor: claims.actor, grantedScopes: claims.scopes },
    };
    const cleared = clearCaveats(caveats, facts);
    if (!cleared.ok) throw new Error(cleared.refusal.reason);
  }
}

/**
 * What a user would otherwise write: import, verify, and a check that reads the grant's times and
 * clears the four caveats with as little as will do.
 */
async function npmMacaroon({ nowSeconds, macaroonKey, macaroons }: Prepared, n: number) {
  for (let i = 0; i < n; i++) {
    const text = macaroons[i % macaroons.length] ?? '';
    const macaroon = importMacaroon(text.slice('mc_v1_'.length));
    macaroon.verify(macaroonKey.rootKey, (condition: string) => {
      if (condition.startsWith('{')) {
        const { iss, aud, nid, nbf, exp } = JSON.parse(condition);
        const isOurs = iss === ISSUER && aud === ISSUER && nid === TENANT_ID;
        return isOurs && nowSeconds >= nbf && nowSeconds < exp ? null : 'grant';
      }
      if (condition.startsWith('time < ')) {
        return nowSeconds * 1000 < Date.parse(condition.slice(7)) ? null : 'expired';
      }
      if (condition.startsWith('method in ')) {
        return condition.slice(10).split(' ').includes(REQUEST.method) ? null : 'method';
      }
      if (condition.startsWith('path in ')) {
        const prefix = condition.slice(8, -2);
        return `/${REQUEST.path.join('/')}`.startsWith(prefix) ? null : 'path';
      }
      if (condition.startsWith('scope in ')) {
        const scopes = condition.slice(9).split(' ');
        return REQUEST.requiredScopes.every((scope) => scopes.includes(scope)) ? null : 'scope';
      }
      return 'unknown';
    });
  }
}

async function jwt({ nowSeconds, jwtKey, jwts }: Prepared, n: number) {
  const keys = new Map([[jwtKey.kid, jwtKey]]);
  for (let i = 0; i < n; i++) {
    const text = jwts[i % jwts.length] ?? '';
    const verified = await verifyJwtUnderKey(text, { keys, policy, nowSeconds });
    if (!verified.ok) throw new Error(verified.refusal.reason);
  }
}

const SIDES = {
  cardea: { verify: cardea, turn: 400 },
  npmMacaroon: { verify: npmMacaroon, turn: 100 },
  jwt: { verify: jwt, turn: 400 },
} as const;

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const state = await prepare(Number(searchParams.get('tokens')));
    const [first = ''] = state.macaroons;
    await measureInTurns(state, { sides: SIDES, rounds: 3 }); // Warm-up, not counted.
    const rounds = Number(searchParams.get('rounds'));
    const figures = await measureInTurns(state, { sides: SIDES, rounds });
    return Response.json({ ...figures, tokenBytes: encodeUtf8(first).length });
  },
};
