/** Makes a macaroon. For whoever has the root key: holders attenuate (`attenuate.ts`). */

import { encodeUtf8 } from '../bytes/utf8.ts';
import { prepareHmacKey } from '../crypto/hmac-at-once.ts';
import type { Bytes, FirstPartyCaveat, Macaroon } from './macaroon.ts';
import { signCaveat, signIdentifier, signingKeyOf } from './signature.ts';

export interface Minting {
  /** 32 bytes drawn at random or derived; a discharge's is the key of its caveat. */
  readonly rootKey: Bytes;
  readonly location?: string;
  readonly identifier: Bytes | string;
  /** In this order. Text is written as UTF-8. Nothing about what they say is checked. */
  readonly firstPartyCaveats: ReadonlyArray<Bytes | string>;
}

/** A new macaroon. Keeps no limit: what is larger than they allow, no reader takes. */
export function mintMacaroon(minting: Minting): Macaroon {
  const { rootKey, location, firstPartyCaveats } = minting;
  const identifier = bytesOf(minting.identifier);
  const caveats: FirstPartyCaveat[] = [];
  let signature = signIdentifier(prepareHmacKey(signingKeyOf(rootKey)), identifier);
  for (const each of firstPartyCaveats) {
    const caveat = { identifier: bytesOf(each) };
    caveats.push(caveat);
    signature = signCaveat(signature, caveat);
  }
  const macaroon = { identifier, caveats, signature };
  return location === undefined ? macaroon : { location, ...macaroon };
}

function bytesOf(value: Bytes | string): Bytes {
  return typeof value === 'string' ? encodeUtf8(value) : value;
}
