/**
 * The chain of HMACs that makes a macaroon: each link is keyed with the one before, so whoever holds
 * the last can append and nobody can take away (NDSS 2014, §III; libmacaroons, macaroons.c).
 */

import { concatBytes } from '../bytes/framing.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import {
  type HmacKey,
  hmacSha256AtOnce,
  hmacUnderPrepared,
  prepareHmacKey,
} from '../crypto/hmac-at-once.ts';
import { type Bytes, type Caveat, isThirdParty } from './macaroon.ts';

/** libmacaroons, macaroons_generate_derived_key: the label, filled up with zeros to a key's length. */
const KEY_GENERATOR = prepareHmacKey(
  concatBytes(encodeUtf8('macaroons-key-generator'), new Uint8Array(9)),
);
const BINDING_KEY = prepareHmacKey(new Uint8Array(32));

/** The key of a chain out of the root key, which may have any length. */
export function signingKeyOf(rootKey: Bytes): Bytes {
  return hmacUnderPrepared(KEY_GENERATOR, rootKey);
}

/** The first link. `signingKey` is the key of the chain, prepared. */
export function signIdentifier(signingKey: HmacKey, identifier: Bytes): Bytes {
  return hmacUnderPrepared(signingKey, identifier);
}

/** The link after `signature` that `caveat` adds. Locations are in no link. */
export function signCaveat(signature: Bytes, caveat: Caveat): Bytes {
  if (!isThirdParty(caveat)) return hmacSha256AtOnce(signature, caveat.identifier);
  return signPair(prepareHmacKey(signature), caveat.sealedKey, caveat.identifier);
}

/** The signature of a discharge that is good together with one macaroon only (NDSS 2014, §V.C). */
export function boundSignature(macaroonSignature: Bytes, dischargeSignature: Bytes): Bytes {
  return signPair(BINDING_KEY, macaroonSignature, dischargeSignature);
}

function signPair(key: HmacKey, first: Bytes, second: Bytes): Bytes {
  const digests = concatBytes(hmacUnderPrepared(key, first), hmacUnderPrepared(key, second));
  return hmacUnderPrepared(key, digests);
}
