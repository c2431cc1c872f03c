/**
 * The binary form of macaroons, version 2 (libmacaroons, doc/format.txt): packets of
 * `field type ‖ length ‖ bytes`, both varints, in sections that a zero ends.
 *
 *     %x02 [location] identifier 0  *( [location] identifier [vid] 0 )  0 signature
 *
 * Read strictly, so that a macaroon has one form: minimal varints, ascending fields, each once, a
 * signature of 32 bytes, nothing after it, and a location of a caveat only where there is a third
 * party to be found there.
 */

import { concatBytes } from '../bytes/framing.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { CAVEATS_MAX, MACAROON_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import {
  type Bytes,
  type Caveat,
  isThirdParty,
  type Macaroon,
  SIGNATURE_BYTES,
} from './macaroon.ts';

const VERSION = 2;
const FIELD = { end: 0, location: 1, identifier: 2, sealedKey: 4, signature: 6 } as const;

/**
 * Refuses with `macaroon_malformed`: more than `MACAROON_BYTES_MAX` bytes or `CAVEATS_MAX` caveats, a
 * location that is not UTF-8, and every form but the one above. The macaroon's parts are views of
 * `bytes`: they must not be changed afterwards.
 */
export function parseMacaroon(bytes: Uint8Array): Result<Macaroon> {
  if (bytes.length > MACAROON_BYTES_MAX) return malformed('size');
  if (bytes[0] !== VERSION) return malformed('version');
  const reader: Reader = { bytes, at: 1 };
  const head = readSection(reader);
  if (head === undefined || head.identifier === undefined) return malformed('header');
  if (head.sealedKey !== undefined) return malformed('header');
  const caveats: Caveat[] = [];
  while (bytes[reader.at] !== FIELD.end) {
    if (caveats.length === CAVEATS_MAX) return malformed('caveats');
    const caveat = caveatOf(readSection(reader));
    if (caveat === undefined) return malformed('caveat');
    caveats.push(caveat);
  }
  reader.at++;
  const signature = bytes[reader.at] === FIELD.signature ? readPacketBody(reader) : undefined;
  if (signature?.length !== SIGNATURE_BYTES) return malformed('signature');
  if (reader.at !== bytes.length) return malformed('trailing_bytes');
  const { location, identifier } = head;
  return accept(
    location === undefined
      ? { identifier, caveats, signature }
      : { location, identifier, caveats, signature },
  );
}

/** The one form that {@link parseMacaroon} reads. Keeps no limit: who reads it does. */
export function encodeMacaroon(macaroon: Macaroon): Bytes {
  const parts: Uint8Array[] = [Uint8Array.of(VERSION)];
  writeSection(parts, macaroon);
  for (const caveat of macaroon.caveats) writeSection(parts, caveat);
  parts.push(Uint8Array.of(FIELD.end));
  writePacket(parts, FIELD.signature, macaroon.signature);
  return concatBytes(...parts);
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

interface Section {
  location?: string;
  identifier?: Bytes;
  sealedKey?: Bytes;
}

function caveatOf(section: Section | undefined): Caveat | undefined {
  if (section?.identifier === undefined) return undefined;
  const { location, identifier, sealedKey } = section;
  if (sealedKey === undefined) return location === undefined ? { identifier } : undefined;
  return location === undefined ? { identifier, sealedKey } : { location, identifier, sealedKey };
}

/** Up to and with its zero. `undefined` if a field is unknown, out of order, twice or cut off. */
function readSection(reader: Reader): Section | undefined {
  const section: Section = {};
  let previous = 0;
  for (;;) {
    // Every field has one byte: a type above 127 is none of ours, a longer varint for it not minimal.
    const field = reader.bytes[reader.at];
    if (field === FIELD.end) {
      reader.at++;
      return section;
    }
    if (field === undefined || field <= previous) return undefined;
    previous = field;
    const body = readPacketBody(reader);
    if (body === undefined || !keepField(section, field, body)) return undefined;
  }
}

function keepField(section: Section, field: number, body: Bytes): boolean {
  if (field === FIELD.identifier) section.identifier = body;
  else if (field === FIELD.sealedKey) section.sealedKey = body;
  else if (field === FIELD.location) {
    const location = decodeUtf8(body);
    if (location === undefined) return false;
    section.location = location;
  } else return false;
  return true;
}

/** The bytes of the packet whose field type stands at `reader.at`. */
function readPacketBody(reader: Reader): Bytes | undefined {
  const { bytes } = reader;
  reader.at++;
  // No length that fits takes more than two bytes (MACAROON_BYTES_MAX is 2 ** 13).
  const low = bytes[reader.at++];
  if (low === undefined) return undefined;
  let length = low;
  if (low >= 0x80) {
    const high = bytes[reader.at++];
    // Zero would be a longer form of a shorter number.
    if (high === undefined || high === 0 || high >= 0x80) return undefined;
    length = (low & 0x7f) | (high << 7);
  }
  const start = reader.at;
  if (length > bytes.length - start) return undefined;
  reader.at = start + length;
  return bytes.subarray(start, reader.at) as Bytes;
}

function writeSection(parts: Uint8Array[], section: Macaroon | Caveat): void {
  if ('location' in section && section.location !== undefined) {
    writePacket(parts, FIELD.location, encodeUtf8(section.location));
  }
  writePacket(parts, FIELD.identifier, section.identifier);
  if (!('signature' in section) && isThirdParty(section)) {
    writePacket(parts, FIELD.sealedKey, section.sealedKey);
  }
  parts.push(Uint8Array.of(FIELD.end));
}

function writePacket(parts: Uint8Array[], field: number, body: Uint8Array): void {
  parts.push(Uint8Array.of(field, ...varint(body.length)), body);
}

/** Unsigned LEB128: seven bits a byte, lowest first. */
function varint(value: number): number[] {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) digits.push((rest % 0x80) | 0x80);
  return [...digits, rest];
}

function malformed(part: string) {
  return refuse('macaroon_malformed', { part });
}
