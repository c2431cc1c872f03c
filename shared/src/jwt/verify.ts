/** Verification of derived tokens in JWT form. No I/O, no clock: keys and time are arguments. */

import { encodeTransient } from '../bytes/utf8.ts';
import { type VerificationKey, verifySignature } from '../crypto/verification-key.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../json/strict-json.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import {
  checkKey,
  checkParties,
  checkTimes,
  type KeyBinding,
  type TokenPolicy,
} from './check-claims.ts';
import type { VerifiedClaims } from './claims.ts';
import type { UnverifiedJwtHeader } from './header.ts';
import { parseJwt, rememberHeader } from './parse.ts';
import { parseClaims } from './parse-claims.ts';

/** A verification key with what the keyset binds it to. */
export interface JwtVerificationKey extends VerificationKey, KeyBinding {}

export type JwtPolicy = TokenPolicy;

export interface JwtVerification<Key extends JwtVerificationKey = JwtVerificationKey> {
  readonly keys: ReadonlyMap<string, Key>;
  readonly policy: JwtPolicy;
  readonly nowSeconds: UnixSeconds;
}

/**
 * Verifies a derived token (RFC 7519 §7.2, RFC 8725 §3): form and header, then the key that `kid`
 * names, its life and what it is bound to, then the signature, and only then the claims: their types,
 * their times, and issuer, audience and tenant by exact comparison.
 *
 * Refuses as {@link parseJwt} and {@link parseClaims} do, and with `signing_key_unknown`,
 * `token_algorithm_unsupported`, `signing_key_not_live`, `signature_invalid`, `token_malformed` (the
 * payload is no strict JSON object), `token_expired`, `token_not_yet_valid`,
 * `token_lifetime_too_long`, `issuer_mismatch`, `audience_mismatch`, `tenant_mismatch`.
 * Not checked here: revocation (`feed/`), `acl` (`ip/cidr`), and what the scopes are good for.
 */
export async function verifyJwt(
  text: string,
  verification: JwtVerification,
): Promise<Result<VerifiedClaims>> {
  const verified = await verifyJwtUnderKey(text, verification);
  return verified.ok ? accept(verified.value.claims) : verified;
}

/** The claims, and the key whose signature vouches for them: whose life and revocation matter too. */
export interface VerifiedJwt<Key extends JwtVerificationKey> {
  readonly claims: VerifiedClaims;
  readonly key: Key;
}

/** As {@link verifyJwt}, for callers that go on asking about the key. */
export async function verifyJwtUnderKey<Key extends JwtVerificationKey>(
  text: string,
  verification: JwtVerification<Key>,
): Promise<Result<VerifiedJwt<Key>>> {
  const jwt = parseJwt(text);
  if (!jwt.ok) return jwt;
  const key = selectKey(jwt.value.unverifiedHeader, verification);
  if (!key.ok) return key;
  const { signature, signingInput, unverifiedPayload } = jwt.value;
  if (!(await verifySignature(key.value, signature, encodeTransient(signingInput)))) {
    return refuse('signature_invalid', { kid: key.value.kid });
  }
  rememberHeader(jwt.value);
  const payload = parsePayload(unverifiedPayload);
  if (payload === undefined) return refuse('token_malformed', { part: 'payload' });
  const claims = parseClaims(payload);
  if (!claims.ok) return claims;
  const refused =
    checkTimes(claims.value, verification) ?? checkParties(claims.value, verification.policy);
  // The brand of a JWT's claims is given here.
  return refused ?? accept({ claims: claims.value as VerifiedClaims, key: key.value });
}

/** The key decides: the header only names it, and must agree with its algorithm (RFC 8725 §3.1). */
function selectKey<Key extends JwtVerificationKey>(
  header: UnverifiedJwtHeader,
  { keys, policy, nowSeconds }: JwtVerification<Key>,
): Result<Key> {
  const key = keys.get(header.keyId);
  if (key === undefined) return refuse('signing_key_unknown');
  const { kid } = key;
  if (key.algorithm !== header.algorithm) return refuse('token_algorithm_unsupported', { kid });
  return checkKey(key, { policy, nowSeconds }) ?? accept(key);
}

/** `undefined` unless it is a strict JSON object. */
function parsePayload(json: string): JsonObject | undefined {
  const payload = parseStrictJson(json);
  return isJsonObject(payload) ? payload : undefined;
}
