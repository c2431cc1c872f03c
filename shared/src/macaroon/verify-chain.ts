/**
 * Proves the chain of a macaroon and of its discharges. Does not look at what the caveats say: that
 * is `clear.ts`. Pure.
 */

import { encodeHex } from '../bytes/hex.ts';
import { equalConstantTime } from '../crypto/equal-constant-time.ts';
import { type HmacKey, prepareHmacKey } from '../crypto/hmac-at-once.ts';
import { openSecretBox } from '../crypto/secret-box.ts';
import { CAVEATS_MAX, DISCHARGES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import { type Bytes, isThirdParty, type Macaroon, SIGNATURE_BYTES } from './macaroon.ts';
import { boundSignature, signCaveat, signIdentifier, signingKeyOf } from './signature.ts';

declare const verified: unique symbol;

export interface MacaroonWithDischarges {
  readonly macaroon: Macaroon;
  /** Bound to `macaroon`, in any order. */
  readonly discharges: readonly Macaroon[];
}

/** What a verified chain says. Every caveat in it must still be cleared, of both lists. */
export interface VerifiedMacaroon {
  readonly [verified]: true;
  readonly identifier: Bytes;
  /** First-party caveats of the macaroon itself, in order. */
  readonly caveats: readonly Bytes[];
  /** First-party caveats of its discharges, in the order in which they were asked for. */
  readonly dischargeCaveats: readonly Bytes[];
}

type Refused = ReturnType<typeof refuse>;

/**
 * Recomputes the chain from `rootKey` (the key that the macaroon was made with: the one of the chain is
 * derived from it) and compares its end in constant time; only then are third-party caveats opened and
 * their discharges proved, nested ones too. Each discharge must be used, exactly once, so two of
 * them cannot have one identifier.
 *
 * Refuses with `signature_invalid` (a chain is not genuine, a discharge is not bound to `macaroon`, a
 * caveat's key cannot be opened), `discharge_missing`, `discharge_unused`, and `macaroon_malformed`
 * over `CAVEATS_MAX` or `DISCHARGES_MAX`. Cost: one HMAC per first-party caveat; three and a
 * decryption per third-party caveat; nothing of a discharge before the macaroon is proved.
 */
export function verifyChain(
  token: MacaroonWithDischarges,
  rootKey: Bytes,
): Result<VerifiedMacaroon> {
  return verifyChainUnder(token, prepareHmacKey(signingKeyOf(rootKey)));
}

/** {@link verifyChain} under the key of the chain (`signingKeyOf`), for who has prepared it before. */
export function verifyChainUnder(
  { macaroon, discharges }: MacaroonWithDischarges,
  signingKey: HmacKey,
): Result<VerifiedMacaroon> {
  if (discharges.length > DISCHARGES_MAX)
    return refuse('macaroon_malformed', { part: 'discharges' });
  const unused = new Map<string, Macaroon>();
  for (const discharge of discharges) {
    const name = encodeHex(discharge.identifier);
    if (unused.has(name)) return refuse('discharge_unused');
    unused.set(name, discharge);
  }
  const proof: Proof = { rootSignature: macaroon.signature, unused, dischargeCaveats: [] };
  const caveats: Bytes[] = [];
  const refused = proveChain(proof, { macaroon, signingKey, caveats });
  if (refused !== undefined) return refused;
  if (unused.size > 0) return refuse('discharge_unused');
  const { dischargeCaveats } = proof;
  const proved = { identifier: macaroon.identifier, caveats, dischargeCaveats };
  return accept(proved as unknown as VerifiedMacaroon); // The one place where the brand is given.
}

interface Proof {
  readonly rootSignature: Bytes;
  /** Discharges that no caveat has asked for yet, by their identifiers in hexadecimal. */
  readonly unused: Map<string, Macaroon>;
  readonly dischargeCaveats: Bytes[];
}

interface Chain {
  readonly macaroon: Macaroon;
  readonly signingKey: HmacKey;
  /** Where its first-party caveats go. */
  readonly caveats: Bytes[];
  readonly isDischarge?: true;
}

/** Recursion is bounded: a discharge is taken out of `unused` before its own caveats are looked at. */
function proveChain(proof: Proof, chain: Chain): Refused | undefined {
  const { macaroon, signingKey, caveats, isDischarge } = chain;
  if (macaroon.caveats.length > CAVEATS_MAX)
    return refuse('macaroon_malformed', { part: 'caveats' });
  const openings: Array<readonly [identifier: Bytes, sealedKey: Bytes, signature: Bytes]> = [];
  let signature = signIdentifier(signingKey, macaroon.identifier);
  for (const caveat of macaroon.caveats) {
    if (isThirdParty(caveat)) openings.push([caveat.identifier, caveat.sealedKey, signature]);
    else caveats.push(caveat.identifier);
    signature = signCaveat(signature, caveat);
  }
  const expected = isDischarge ? boundSignature(proof.rootSignature, signature) : signature;
  if (!equalConstantTime(expected, macaroon.signature)) return refuse('signature_invalid');
  for (const [identifier, sealedKey, sealingKey] of openings) {
    const name = encodeHex(identifier);
    const discharge = proof.unused.get(name);
    if (discharge === undefined) return refuse('discharge_missing');
    proof.unused.delete(name);
    const dischargeKey = openSecretBox(sealingKey, sealedKey);
    if (dischargeKey?.length !== SIGNATURE_BYTES) return refuse('signature_invalid');
    const refused = proveChain(proof, {
      macaroon: discharge,
      signingKey: prepareHmacKey(dischargeKey),
      caveats: proof.dischargeCaveats,
      isDischarge: true,
    });
    if (refused !== undefined) return refused;
  }
  return undefined;
}
