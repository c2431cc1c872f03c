/**
 * What the holder of a macaroon does with it, offline and without any key: adds caveats, of which each
 * only takes authority away, and binds discharges. Pure; runs in Node, workerd and browsers.
 */

import { encodeUtf8 } from '../bytes/utf8.ts';
import { SECRET_BOX_NONCE_BYTES, sealSecretBox } from '../crypto/secret-box.ts';
import { CAVEATS_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { KnownCaveat } from './caveat.ts';
import { formatCaveat, sorted } from './format-caveat.ts';
import type { Bytes, Caveat, Macaroon } from './macaroon.ts';
import { parseCaveatText } from './parse-caveat.ts';
import { boundSignature, signCaveat, signingKeyOf } from './signature.ts';
import { readMacaroonToken, writeMacaroonToken } from './token-text.ts';

/** A caveat of the caveat language, as data or in its text. */
export type NewCaveat = KnownCaveat | string;

/**
 * The macaroon with `caveats` after its own, in this order. Refuses with `caveat_unknown` (a text or
 * value that no verifier knows: the result would allow nothing) and `macaroon_malformed` (over
 * `CAVEATS_MAX`).
 */
export function addCaveats(macaroon: Macaroon, caveats: readonly NewCaveat[]): Result<Macaroon> {
  const added: Caveat[] = [];
  for (const caveat of caveats) {
    const text = textOf(caveat);
    if (text === undefined) return refuse('caveat_unknown');
    added.push({ identifier: encodeUtf8(text) });
  }
  return append(macaroon, added);
}

/** The text that a verifier reads as `caveat`; `undefined` if there is none. */
function textOf(caveat: NewCaveat): string | undefined {
  const text = typeof caveat === 'string' ? caveat : formatCaveat(caveat);
  const read = parseCaveatText(text);
  if (read === undefined || typeof caveat === 'string') return read && text;
  // A scope "a b" would be read as two, an extension "x = y" as "x" with another value.
  const [given, understood] = [partsOf(caveat), partsOf(read)];
  const isSame =
    given.length === understood.length && given.every((part, i) => part === understood[i]);
  return isSame ? text : undefined;
}

/** Of a caveat with several texts in it: these, in the order in which they are written. */
function partsOf(caveat: KnownCaveat): readonly string[] {
  switch (caveat.kind) {
    case 'scopes':
      return sorted(caveat.scopes);
    case 'methods':
      return sorted(caveat.methods);
    case 'hosts':
      return sorted(caveat.hosts);
    case 'addresses':
      return sorted(caveat.cidrs);
    case 'tools':
      return sorted(caveat.tools);
    case 'extension':
      return [caveat.name, caveat.value];
    default:
      return []; // One value behind the operator, or patterns, which escape their spaces.
  }
}

/**
 * {@link addCaveats} on a token's text. Refuses also as {@link readMacaroonToken} does, with
 * `token_too_large`, and with `discharge_unused` if the token carries discharges: they are bound to the
 * token as it is. Narrow it first, then bind them.
 */
export function attenuateToken(text: string, caveats: readonly NewCaveat[]): Result<string> {
  const token = readMacaroonToken(text);
  if (!token.ok) return token;
  if (token.value.discharges.length > 0) return refuse('discharge_unused');
  const macaroon = addCaveats(token.value.macaroon, caveats);
  return macaroon.ok ? writeMacaroonToken({ macaroon: macaroon.value, discharges: [] }) : macaroon;
}

export interface NewThirdPartyCaveat {
  /** Where the holder is to ask for the discharge. */
  readonly location?: string;
  /** What the third party knows the caveat and its key by. */
  readonly identifier: Bytes;
  /** The root key of the discharge: known to the third party, and new for each caveat. */
  readonly caveatKey: Bytes;
  /** 24 bytes drawn at random for this caveat. */
  readonly nonce: Bytes;
}

/** Refuses with `macaroon_malformed`: over `CAVEATS_MAX`, or a nonce of another length. */
export function addThirdPartyCaveat(
  macaroon: Macaroon,
  { location, identifier, caveatKey, nonce }: NewThirdPartyCaveat,
): Result<Macaroon> {
  if (nonce.length !== SECRET_BOX_NONCE_BYTES)
    return refuse('macaroon_malformed', { part: 'nonce' });
  const plaintext = signingKeyOf(caveatKey);
  const sealedKey = sealSecretBox(macaroon.signature, { plaintext, nonce });
  const caveat = { identifier, sealedKey };
  return append(macaroon, [location === undefined ? caveat : { location, ...caveat }]);
}

/**
 * The discharge as it must be sent along with `macaroon`: nobody can use it with another one, nor with
 * this one after a further caveat. `discharge` is as the third party made it, not bound before.
 */
export function bindDischarge(macaroon: Macaroon, discharge: Macaroon): Macaroon {
  return { ...discharge, signature: boundSignature(macaroon.signature, discharge.signature) };
}

/** Any further caveats, whatever they say. Refuses with `macaroon_malformed` over `CAVEATS_MAX`. */
export function append(macaroon: Macaroon, added: readonly Caveat[]): Result<Macaroon> {
  const caveats = [...macaroon.caveats, ...added];
  if (caveats.length > CAVEATS_MAX) return refuse('macaroon_malformed', { part: 'caveats' });
  return accept({ ...macaroon, caveats, signature: added.reduce(signCaveat, macaroon.signature) });
}
