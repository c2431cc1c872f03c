/** What `adapter.mjs` exports about macaroons; its header says what goes in and what comes out. */

import { decodeBase64url } from '../../shared/src/bytes/base64url.ts';
import { decodeHex, encodeHex } from '../../shared/src/bytes/hex.ts';
import { encodeUtf8 } from '../../shared/src/bytes/utf8.ts';
import { addThirdPartyCaveat, append, bindDischarge } from '../../shared/src/macaroon/attenuate.ts';
import { parseMacaroonJson } from '../../shared/src/macaroon/codec-json.ts';
import { parseMacaroonV1 } from '../../shared/src/macaroon/codec-v1.ts';
import { parseMacaroon as parseMacaroonV2 } from '../../shared/src/macaroon/codec-v2.ts';
import { isThirdParty, type Macaroon } from '../../shared/src/macaroon/macaroon.ts';
import { mintMacaroon } from '../../shared/src/macaroon/mint.ts';
import { verifyChain } from '../../shared/src/macaroon/verify-chain.ts';
import { accept, type Result, refuse } from '../../shared/src/result.ts';

type Bytes = Uint8Array<ArrayBuffer>;

type Refused = { readonly ok: false; readonly reason: string };
export type MacaroonOutcome = { readonly ok: true } | Refused;

export interface CaveatView {
  readonly location: string | null;
  /** UTF-8, with replacement characters where it is none. */
  readonly identifier: string;
  readonly identifierHex: string;
  readonly vidHex: string | null;
}

export type MacaroonParseOutcome =
  | {
      readonly ok: true;
      readonly location: string | null;
      readonly identifier: string;
      readonly identifierHex: string;
      readonly signatureHex: string;
      readonly caveats: readonly CaveatView[];
    }
  | Refused;

export type MacaroonSignatureOutcome =
  | { readonly ok: true; readonly signatureHex: string }
  | Refused;

/** Refused arguments that are no macaroon's fault. */
const INVALID: Refused = { ok: false, reason: 'arguments_invalid' };

export async function verifyMacaroon(given: unknown): Promise<MacaroonOutcome> {
  try {
    const rootKey = keyOf(memberOf(given, 'rootKey') ?? memberOf(given, 'root_key'));
    const satisfied = textsOf(memberOf(given, 'satisfied') ?? []);
    const discharges = memberOf(given, 'discharges') ?? [];
    if (rootKey === undefined || satisfied === undefined || !Array.isArray(discharges)) {
      return INVALID;
    }
    const macaroon = readAny(memberOf(given, 'macaroon'));
    if (!macaroon.ok) return refused(macaroon);
    const bound: Macaroon[] = [];
    for (const each of discharges) {
      const discharge = readAny(each);
      if (!discharge.ok) return refused(discharge);
      bound.push(discharge.value);
    }
    const verified = verifyChain({ macaroon: macaroon.value, discharges: bound }, rootKey);
    if (!verified.ok) return refused(verified);
    const caveats = [...verified.value.caveats, ...verified.value.dischargeCaveats];
    const isSatisfied = caveats.every((caveat) => satisfied.has(encodeHex(caveat)));
    return isSatisfied ? { ok: true } : { ok: false, reason: 'caveat_not_cleared' };
  } catch {
    return INVALID; // A getter or a proxy among the arguments threw.
  }
}

export function parseMacaroon(given: unknown): MacaroonParseOutcome {
  try {
    const macaroon = readAny(given);
    if (!macaroon.ok) return refused(macaroon);
    const { location = null, identifier, caveats, signature } = macaroon.value;
    const seen = caveats.map((caveat) => ({
      location: isThirdParty(caveat) ? (caveat.location ?? null) : null,
      identifier: textOf(caveat.identifier),
      identifierHex: encodeHex(caveat.identifier),
      vidHex: isThirdParty(caveat) ? encodeHex(caveat.sealedKey) : null,
    }));
    return {
      ...{ ok: true, location, identifier: textOf(identifier), caveats: seen },
      ...{ identifierHex: encodeHex(identifier), signatureHex: encodeHex(signature) },
    };
  } catch {
    return INVALID;
  }
}

export function macaroonSignature(spec: unknown): MacaroonSignatureOutcome {
  try {
    const macaroon = mintFrom(spec);
    if (macaroon === undefined) return INVALID;
    if (!macaroon.ok) return refused(macaroon);
    return { ok: true, signatureHex: encodeHex(macaroon.value.signature) };
  } catch {
    return INVALID;
  }
}

function mintFrom(spec: unknown): Result<Macaroon> | undefined {
  const rootKey = keyOf(memberOf(spec, 'rootKey') ?? memberOf(spec, 'root_key'));
  const identifier = keyOf(memberOf(spec, 'identifier'));
  const caveats = memberOf(spec, 'caveats') ?? [];
  if (rootKey === undefined || identifier === undefined || !Array.isArray(caveats))
    return undefined;
  let made: Result<Macaroon> = accept(mintMacaroon({ rootKey, identifier, firstPartyCaveats: [] }));
  for (const caveat of caveats) {
    const next: Result<Macaroon> | undefined = made.ok ? addTo(made.value, caveat) : made;
    if (next === undefined) return undefined;
    made = next;
  }
  const bindTo = memberOf(spec, 'bindTo') ?? memberOf(spec, 'bind_to_utf8');
  const boundTo = memberOf(spec, 'bound_to_signature_hex');
  const signature = typeof boundTo === 'string' ? decodeHex(boundTo) : keyOf(bindTo);
  if (signature === undefined) return made;
  const root = { identifier: new Uint8Array(), caveats: [], signature };
  return made.ok ? accept(bindDischarge(root, made.value)) : made;
}

/** A text, or `{ cid, vid?, location?, key?, nonce? }`. */
function addTo(macaroon: Macaroon, caveat: unknown): Result<Macaroon> | undefined {
  const identifier = keyOf(memberOf(caveat, 'cid') ?? memberOf(caveat, 'identifier') ?? caveat);
  if (identifier === undefined) return undefined;
  const caveatKey = keyOf(memberOf(caveat, 'key') ?? undefined);
  if (caveatKey !== undefined) {
    const nonce = binaryOf(memberOf(caveat, 'nonce')) ?? new Uint8Array(24);
    return addThirdPartyCaveat(macaroon, { identifier, caveatKey, nonce });
  }
  const vid = memberOf(caveat, 'vid') ?? undefined;
  if (vid === undefined) return append(macaroon, [{ identifier }]);
  const sealedKey = binaryOf(vid);
  return sealedKey === undefined ? undefined : append(macaroon, [{ identifier, sealedKey }]);
}

/** Any form of a macaroon: bytes or their base64 (versions 2 and 1), JSON as text or as object. */
function readAny(given: unknown): Result<Macaroon> {
  if (isPlainObject(given)) return parseMacaroonJson(JSON.stringify(given));
  if (typeof given === 'string' && given.trimStart().startsWith('{'))
    return parseMacaroonJson(given);
  const bytes = binaryOf(given);
  if (bytes === undefined) return refuse('macaroon_malformed', { part: 'encoding' });
  return bytes[0] === 2 ? parseMacaroonV2(bytes) : parseV1Or2(bytes);
}

/** Version 1 begins with a hexadecimal digit; for everything else version 2 says what is wrong. */
function parseV1Or2(bytes: Bytes): Result<Macaroon> {
  const isV1 = /^[0-9a-f]$/.test(String.fromCharCode(bytes[0] ?? 0));
  return isV1 ? parseMacaroonV1(bytes) : parseMacaroonV2(bytes);
}

/** How a macaroon (version 2 or 1) begins in hexadecimal; in base64 no macaroon does. */
const HEX = /^(?:02|30)(?:[0-9a-f]{2})*$/i;

/** Bytes as they are, or out of hexadecimal or base64 of either alphabet, padded or not. */
function binaryOf(given: unknown): Bytes | undefined {
  if (given instanceof Uint8Array) return Uint8Array.from(given);
  if (typeof given !== 'string') return undefined;
  if (HEX.test(given)) return decodeHex(given.toLowerCase());
  const unpadded = given
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  return decodeBase64url(unpadded);
}

/** Bytes as they are, text as UTF-8. */
function keyOf(given: unknown): Bytes | undefined {
  if (given instanceof Uint8Array) return Uint8Array.from(given);
  return typeof given === 'string' ? encodeUtf8(given) : undefined;
}

/** Exact bytes, by their hexadecimal form. */
function textsOf(given: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(given) && !(given instanceof Set)) return undefined;
  const known = [...given].map(keyOf);
  return known.includes(undefined)
    ? undefined
    : new Set(known.map((bytes) => encodeHex(bytes ?? new Uint8Array())));
}

function textOf(bytes: Bytes): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function refused(result: Extract<Result<unknown>, { ok: false }>): Refused {
  return { ok: false, reason: result.refusal.reason };
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
