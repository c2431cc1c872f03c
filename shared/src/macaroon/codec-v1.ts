/**
 * Reads the older binary form, version 1 (libmacaroons, doc/format.txt): packets of four hexadecimal digits
 * of length, a name, a space, bytes, a line feed. For macaroons that another system made; ours are
 * version 2 (`codec-v2.ts`), and nothing writes this form.
 */

import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { CAVEATS_MAX, MACAROON_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import { type Bytes, type Caveat, type Macaroon, SIGNATURE_BYTES } from './macaroon.ts';

/** What may stand in a macaroon, in this order: `cid`, `vid` and `cl` once for each caveat. */
type PacketName = 'location' | 'identifier' | 'cid' | 'vid' | 'cl' | 'signature';

/**
 * Refuses with `macaroon_malformed`: another form, upper-case digits, more than `MACAROON_BYTES_MAX` bytes
 * or `CAVEATS_MAX` caveats, a `vid` without `cl` or the reverse, a signature of another length, and
 * whatever follows it.
 */
export function parseMacaroonV1(bytes: Uint8Array): Result<Macaroon> {
  if (bytes.length > MACAROON_BYTES_MAX) return malformed('size');
  const reader: Reader = { bytes, at: 0 };
  const location = textOf(readPacket(reader, 'location'));
  const identifier = readPacket(reader, 'identifier');
  if (location === undefined || identifier === undefined) return malformed('header');
  const caveats: Caveat[] = [];
  for (;;) {
    const caveatId = readPacket(reader, 'cid');
    if (caveatId === undefined) break;
    if (caveats.length === CAVEATS_MAX) return malformed('caveats');
    const sealedKey = readPacket(reader, 'vid');
    const place = textOf(readPacket(reader, 'cl'));
    if ((sealedKey === undefined) !== (place === undefined)) return malformed('caveat');
    caveats.push(
      sealedKey === undefined || place === undefined
        ? { identifier: caveatId }
        : { location: place, identifier: caveatId, sealedKey },
    );
  }
  const signature = readPacket(reader, 'signature');
  if (signature?.length !== SIGNATURE_BYTES) return malformed('signature');
  if (reader.at !== bytes.length) return malformed('trailing_bytes');
  return accept({ location, identifier, caveats, signature });
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

const LENGTH_DIGITS = 4;
const LINE_FEED = 0x0a;

/** The bytes of the next packet if it has this name; else `undefined`, and nothing is consumed. */
function readPacket(reader: Reader, name: PacketName): Bytes | undefined {
  const { bytes, at } = reader;
  const digits = String.fromCharCode(...bytes.subarray(at, at + LENGTH_DIGITS));
  if (!/^[0-9a-f]{4}$/.test(digits)) return undefined;
  const end = at + Number.parseInt(digits, 16);
  const start = at + LENGTH_DIGITS;
  const label = encodeUtf8(`${name} `);
  if (end > bytes.length || start + label.length >= end) return undefined;
  if (bytes[end - 1] !== LINE_FEED) return undefined;
  if (!label.every((byte, i) => bytes[start + i] === byte)) return undefined;
  reader.at = end;
  return bytes.slice(start + label.length, end - 1) as Bytes;
}

function textOf(bytes: Bytes | undefined): string | undefined {
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

function malformed(part: string) {
  return refuse('macaroon_malformed', { part });
}
