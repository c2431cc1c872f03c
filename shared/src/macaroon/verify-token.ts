/**
 * Verification of derived tokens in macaroon form: the counterpart of `jwt/verify.ts`, with the same
 * checks in the same order. No I/O, no clock: keys and time are arguments.
 */

import { type HmacKey, prepareHmacKey } from '../crypto/hmac-at-once.ts';
import {
  checkKey,
  checkParties,
  checkTimes,
  type KeyBinding,
  type TokenPolicy,
} from '../jwt/check-claims.ts';
import type { VerifiedClaims } from '../jwt/claims.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import type { ParsedCaveat } from './caveat.ts';
import { readGrant } from './grant.ts';
import { parseIdentifier } from './identifier.ts';
import { type Bytes, isThirdParty } from './macaroon.ts';
import { signingKeyOf } from './signature.ts';
import { readMacaroonToken } from './token-text.ts';
import { verifyChainUnder } from './verify-chain.ts';

/** The key of one (tenant, audience, epoch). Whoever has it can mint, so an edge gets no other. */
export interface MacaroonVerificationKey extends KeyBinding {
  /** 32 bytes. What is derived from it is kept for as long as this object: never change them. */
  readonly rootKey: Bytes;
}

export interface MacaroonVerification<
  Key extends MacaroonVerificationKey = MacaroonVerificationKey,
> {
  readonly keys: ReadonlyMap<string, Key>;
  readonly policy: TokenPolicy;
  readonly nowSeconds: UnixSeconds;
}

export interface VerifiedMacaroonToken<Key extends MacaroonVerificationKey> {
  /** Of the base grant. What the caveats leave of them, each request decides. */
  readonly claims: VerifiedClaims;
  readonly key: Key;
  /** All that must be cleared for every request (`clear.ts`), those of discharges among them. */
  readonly caveats: readonly ParsedCaveat[];
}

/**
 * Verifies a macaroon token: form and identifier, then the key that it names, its life and what it is
 * bound to, then the chain and every discharge, and only then the base grant: its types, its times,
 * and issuer, audience and tenant by exact comparison. Answers at once, without a promise.
 *
 * Refuses as {@link readMacaroonToken}, {@link parseIdentifier}, {@link verifyChainUnder},
 * {@link readGrant}, {@link checkKey}, {@link checkTimes} and {@link checkParties} do, and with
 * `signing_key_unknown`, `claims_malformed` (the grant is of another token than the identifier) and
 * `issuer_mismatch` (its location is not the issuer: it is in no signature, so it may say nothing else).
 * Not checked here: the caveats, revocation, `acl`, and what the scopes are good for.
 */
export function verifyMacaroonToken<Key extends MacaroonVerificationKey>(
  text: string,
  { keys, policy, nowSeconds }: MacaroonVerification<Key>,
): Result<VerifiedMacaroonToken<Key>> {
  const token = readMacaroonToken(text);
  if (!token.ok) return token;
  const identifier = parseIdentifier(token.value.macaroon.identifier);
  if (!identifier.ok) return identifier;
  const key = keys.get(identifier.value.kid);
  if (key === undefined) return refuse('signing_key_unknown');
  const refusedKey = checkKey(key, { policy, nowSeconds });
  if (refusedKey !== undefined) return refusedKey;
  const verified = verifyChainUnder(token.value, signingKeyFor(key));
  if (!verified.ok) {
    const { reason, evidence } = verified.refusal;
    return refuse(reason, { ...evidence, kid: key.kid });
  }
  const [first] = token.value.macaroon.caveats;
  if (first !== undefined && isThirdParty(first)) {
    return refuse('macaroon_malformed', { part: 'base_grant' });
  }
  const grant = readGrant(verified.value);
  if (!grant.ok) return grant;
  const { claims, caveats } = grant.value;
  if (claims.tokenId !== identifier.value.tokenId) {
    return refuse('claims_malformed', { claim: 'jti' });
  }
  const refused = checkTimes(claims, { policy, nowSeconds }) ?? checkParties(claims, policy);
  if (refused !== undefined) return refused;
  if (token.value.macaroon.location !== policy.issuer) return refuse('issuer_mismatch');
  // The brand of a macaroon's claims is given here.
  return accept({ claims: claims as VerifiedClaims, key, caveats });
}

/** The keys of chains, by the key they come from: one HMAC and two blocks less a token. Gone when the keyset is. */
const signingKeys = new WeakMap<MacaroonVerificationKey, HmacKey>();

function signingKeyFor(key: MacaroonVerificationKey): HmacKey {
  const known = signingKeys.get(key);
  if (known !== undefined) return known;
  const signingKey = prepareHmacKey(signingKeyOf(key.rootKey));
  signingKeys.set(key, signingKey);
  return signingKey;
}
