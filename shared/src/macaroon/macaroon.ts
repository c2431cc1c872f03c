/**
 * A macaroon as data (Birgisson et al., "Macaroons: Cookies with Contextual Caveats", NDSS 2014, in
 * the form of libmacaroons). Nothing of it is proved: `verify-chain.ts` does that.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Macaroon {
  /** A hint where it comes from. Not authenticated: never decide anything by it. */
  readonly location?: string;
  /** What its issuer knows the root key by. */
  readonly identifier: Bytes;
  readonly caveats: readonly Caveat[];
  /** The last link of the chain, 32 bytes. Whoever holds it can add caveats, and only add. */
  readonly signature: Bytes;
}

export type Caveat = FirstPartyCaveat | ThirdPartyCaveat;

/** A condition that the verifier checks by itself. */
export interface FirstPartyCaveat {
  readonly identifier: Bytes;
}

/** A condition that somebody else vouches for, with a discharge macaroon. */
export interface ThirdPartyCaveat {
  /** Where to ask for the discharge. Not authenticated. */
  readonly location?: string;
  /** What the third party knows the caveat by: the identifier of the discharge. */
  readonly identifier: Bytes;
  /** `vid`: the discharge's signing key, sealed under the signature of the chain so far. */
  readonly sealedKey: Bytes;
}

export function isThirdParty(caveat: Caveat): caveat is ThirdPartyCaveat {
  return 'sealedKey' in caveat;
}

export const SIGNATURE_BYTES = 32;
