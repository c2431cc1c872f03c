/**
 * The shipped verifiers behind two plain functions, so that test vectors from anywhere can be run
 * against them. Plain Node (22.18 or newer runs the TypeScript it imports), no build, no network, no
 * clock: time and keys are the caller's.
 *
 *     verifyJwt(token, { policy, jwks }) → Promise<{ ok: true, claims, verified }
 *                                                | { ok: false, reason }>
 *       token   the text of the token; anything but a string is refused
 *       policy  issuer, audience    compared exactly with `iss` and `aud`          (alias iss, aud)
 *               tenantId            compared exactly with `nid`                    (alias nid)
 *               nowSeconds          seconds since 1970; a fraction is cut off      (alias now)
 *               clockSkewSeconds    for `nbf` and a future `iat`, never for `exp`  (default 60)
 *               lifetimeSecondsMax  longest `exp − iat`                            (default 86400)
 *       jwks    { keys: [public JWK with kid, …] }: every key is live and bound to the policy
 *       claims    the payload as JSON, under its short names
 *       verified  what the product works with: VerifiedClaims of shared/src/jwt/claims.ts
 *       reason    a code of shared/src/refusals.ts; `verification_key_invalid` if the token names a key
 *                 of the set that is malformed, weak or there twice; `policy_invalid` or `jwks_invalid`
 *                 if the caller's own arguments make no sense
 *
 *     verifyEd25519(publicKey, message, signature) → Promise<boolean>
 *       each a Uint8Array or hexadecimal text in either case; anything else is `false`. The key goes
 *       through the same checks as every other: small-order and non-canonical points are refused.
 *
 * Neither throws or rejects, whatever it is given.
 */

import { decodeBase64url, encodeBase64url } from '../../shared/src/bytes/base64url.ts';
import { decodeHex } from '../../shared/src/bytes/hex.ts';
import { decodeUtf8 } from '../../shared/src/bytes/utf8.ts';
import {
  importVerificationKey,
  verifySignature,
} from '../../shared/src/crypto/verification-key.ts';
import { parseJwt } from '../../shared/src/jwt/parse.ts';
import { verifyJwt as verifyShipped } from '../../shared/src/jwt/verify.ts';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '../../shared/src/limits.ts';
import { unixSeconds } from '../../shared/src/time.ts';

export async function verifyJwt(token, options) {
  try {
    const policy = readPolicy(options?.policy);
    if (policy === undefined) return { ok: false, reason: 'policy_invalid' };
    const jwks = readJwks(options?.jwks);
    if (jwks === undefined) return { ok: false, reason: 'jwks_invalid' };
    if (typeof token !== 'string') return { ok: false, reason: 'token_malformed' };
    return await verifyWith(token, { policy, ...(await importKeys(jwks, policy)) });
  } catch {
    // A getter or a proxy among the arguments threw: whatever it is, it is no acceptance.
    return { ok: false, reason: 'jwks_invalid' };
  }
}

async function verifyWith(token, { policy, keys, refusedKids }) {
  const jwt = parseJwt(token);
  if (jwt.ok && refusedKids.has(jwt.value.unverifiedHeader.keyId)) {
    return { ok: false, reason: 'verification_key_invalid' };
  }
  const outcome = await verifyShipped(token, { keys, policy, nowSeconds: policy.nowSeconds });
  if (!outcome.ok) return { ok: false, reason: outcome.refusal.reason };
  return { ok: true, claims: claimsOf(jwt.value), verified: outcome.value };
}

export async function verifyEd25519(publicKey, message, signature) {
  const [x, signed, proof] = [publicKey, message, signature].map(bytesOf);
  if (x === undefined || signed === undefined || proof === undefined) return false;
  const key = await importVerificationKey({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(x) });
  return key.ok && verifySignature(key.value, proof, signed);
}

function readPolicy(given) {
  if (typeof given !== 'object' || given === null) return undefined;
  const policy = {
    issuer: given.issuer ?? given.iss,
    audience: given.audience ?? given.aud,
    tenantId: given.tenantId ?? given.nid,
    nowSeconds: secondsOf(given.nowSeconds ?? given.now),
    clockSkewSeconds: given.clockSkewSeconds ?? CLOCK_SKEW_SECONDS_MAX,
    lifetimeSecondsMax: given.lifetimeSecondsMax ?? DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
  };
  const texts = [policy.issuer, policy.audience, policy.tenantId];
  const numbers = [policy.nowSeconds, policy.clockSkewSeconds, policy.lifetimeSecondsMax];
  const isSound =
    texts.every((text) => typeof text === 'string' && text !== '') &&
    numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
  return isSound ? policy : undefined;
}

/** Never from a text: what is no number stays none, and is refused. */
function secondsOf(now) {
  return typeof now === 'number' ? unixSeconds(now) : Number.NaN;
}

/** A JWK Set (RFC 7517 §5), also in the envelope in which Talos and Cardea serve it. */
function readJwks(given) {
  const jwks = given?.keys ?? given?.jwks?.keys;
  return Array.isArray(jwks) ? jwks : undefined;
}

async function importKeys(jwks, policy) {
  const keys = new Map();
  const refusedKids = new Set();
  for (const jwk of jwks) {
    const kid = jwk?.kid;
    if (typeof kid !== 'string') continue; // Nothing can name it.
    const imported = await importVerificationKey(jwk);
    if (!imported.ok || keys.has(kid)) refusedKids.add(kid);
    else keys.set(kid, { ...imported.value, ...bindingOf(kid, policy) });
  }
  return { keys, refusedKids };
}

function bindingOf(kid, { tenantId, issuer, audience }) {
  const notAfterSeconds = Number.MAX_SAFE_INTEGER;
  return { kid, tenantId, issuer, audience, notBeforeSeconds: 0, notAfterSeconds };
}

function claimsOf(jwt) {
  return JSON.parse(decodeUtf8(decodeBase64url(jwt.unverifiedPayload)));
}

function bytesOf(value) {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return typeof value === 'string' ? decodeHex(value.toLowerCase()) : undefined;
}
