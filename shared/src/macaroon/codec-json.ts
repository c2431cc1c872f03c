/**
 * The JSON forms of macaroons, versions 2 and 1 (libmacaroons, doc/format.txt; go-macaroon): read for import,
 * version 2 written for libraries whose binary form cannot be had. A token of ours is neither.
 */

import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { decodeHex } from '../bytes/hex.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  ownMember,
  parseStrictJson,
} from '../json/strict-json.ts';
import { CAVEATS_MAX, MACAROON_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import {
  type Bytes,
  type Caveat,
  isThirdParty,
  type Macaroon,
  SIGNATURE_BYTES,
} from './macaroon.ts';

/** Names of the members: of a macaroon and of its caveats, in either version. */
const V2 = {
  caveats: 'c',
  location: 'l',
  identifier: 'i',
  caveatId: 'i',
  sealedKey: 'v',
  place: 'l',
};
const V1 = {
  ...{ caveats: 'caveats', location: 'location', identifier: 'identifier' },
  ...{ caveatId: 'cid', sealedKey: 'vid', place: 'cl' },
};
type Names = typeof V2;

/** Base64 makes a macaroon longer by a third, names and quotes by little: one that fits is shorter. */
const JSON_LENGTH_MAX = 3 * MACAROON_BYTES_MAX;

/**
 * Refuses with `macaroon_malformed`: JSON that is not strict, unknown members, a value given both as text
 * and in base64, a version that is not the number 2, a signature of another length, and whatever is
 * over `MACAROON_BYTES_MAX` or `CAVEATS_MAX`. Base64 may be of either alphabet, padded or not.
 */
export function parseMacaroonJson(text: string): Result<Macaroon> {
  const json = text.length > JSON_LENGTH_MAX ? undefined : parseStrictJson(text, 3);
  if (!isJsonObject(json)) return malformed('json');
  const isV1 = Object.hasOwn(json, 'signature');
  const macaroon = isV1 ? readV1(json) : readV2(json);
  return macaroon === undefined ? malformed('json') : accept(macaroon);
}

/** Version 2. What is well-formed UTF-8 is written as text, everything else in base64url. */
export function encodeMacaroonJson(macaroon: Macaroon): string {
  return JSON.stringify({
    v: 2,
    ...(macaroon.location === undefined ? {} : { l: macaroon.location }),
    ...member('i', macaroon.identifier),
    c: macaroon.caveats.map((caveat) => ({
      ...member('i', caveat.identifier),
      ...(isThirdParty(caveat) ? { v64: encodeBase64url(caveat.sealedKey) } : {}),
      ...(isThirdParty(caveat) && caveat.location !== undefined ? { l: caveat.location } : {}),
    })),
    s64: encodeBase64url(macaroon.signature),
  });
}

function member(name: string, bytes: Bytes): Record<string, string> {
  const text = decodeUtf8(bytes);
  return text === undefined ? { [`${name}64`]: encodeBase64url(bytes) } : { [name]: text };
}

const V2_MEMBERS: ReadonlySet<string> = new Set(['v', 'l', 'i', 'i64', 'c', 's', 's64']);
const V2_CAVEAT_MEMBERS: ReadonlySet<string> = new Set(['l', 'i', 'i64', 'v', 'v64']);
const V1_MEMBERS: ReadonlySet<string> = new Set(['location', 'identifier', 'caveats', 'signature']);
const V1_CAVEAT_MEMBERS: ReadonlySet<string> = new Set(['cid', 'vid', 'cl']);

function readV2(json: JsonObject): Macaroon | undefined {
  const version = ownMember(json, 'v');
  if (version !== undefined && version !== 2) return undefined;
  if (!hasOnly(json, V2_MEMBERS)) return undefined;
  const signature = bytesMember(json, 's');
  return readMacaroon(json, { names: V2, caveatMembers: V2_CAVEAT_MEMBERS, signature });
}

/** Text is UTF-8, `vid` base64 and the signature hexadecimal. */
function readV1(json: JsonObject): Macaroon | undefined {
  if (!hasOnly(json, V1_MEMBERS)) return undefined;
  const hex = ownMember(json, 'signature');
  const signature = typeof hex === 'string' ? decodeHex(hex) : undefined;
  return readMacaroon(json, { names: V1, caveatMembers: V1_CAVEAT_MEMBERS, signature });
}

interface Reading {
  readonly names: Names;
  readonly caveatMembers: ReadonlySet<string>;
  readonly signature: Bytes | undefined;
}

function readMacaroon(json: JsonObject, reading: Reading): Macaroon | undefined {
  const { names, signature } = reading;
  const identifier = bytesMember(json, names.identifier);
  const location = ownMember(json, names.location);
  const list = ownMember(json, names.caveats) ?? [];
  if (identifier === undefined || signature?.length !== SIGNATURE_BYTES) return undefined;
  if (!Array.isArray(list) || list.length > CAVEATS_MAX) return undefined;
  const caveats: Caveat[] = [];
  for (const each of list as readonly JsonValue[]) {
    const caveat = isJsonObject(each) ? readCaveat(each, reading) : undefined;
    if (caveat === undefined) return undefined;
    caveats.push(caveat);
  }
  if (location === undefined) return { identifier, caveats, signature };
  return typeof location === 'string' ? { location, identifier, caveats, signature } : undefined;
}

function readCaveat(json: JsonObject, { names, caveatMembers }: Reading): Caveat | undefined {
  if (!hasOnly(json, caveatMembers)) return undefined;
  const identifier = bytesMember(json, names.caveatId);
  if (identifier === undefined) return undefined;
  const location = ownMember(json, names.place);
  const isSealed =
    Object.hasOwn(json, names.sealedKey) || Object.hasOwn(json, `${names.sealedKey}64`);
  if (!isSealed) return location === undefined ? { identifier } : undefined;
  const sealedKey =
    names === V1 ? decodeBase64(ownMember(json, 'vid')) : bytesMember(json, names.sealedKey);
  if (sealedKey === undefined) return undefined;
  if (location === undefined) return { identifier, sealedKey };
  return typeof location === 'string' ? { location, identifier, sealedKey } : undefined;
}

/** `name` as text or `name64` in base64, never both. */
function bytesMember(json: JsonObject, name: string): Bytes | undefined {
  const text = ownMember(json, name);
  const encoded = ownMember(json, `${name}64`);
  if (text !== undefined && encoded !== undefined) return undefined;
  if (encoded !== undefined) return decodeBase64(encoded);
  return typeof text === 'string' ? encodeUtf8(text) : undefined;
}

/** Either alphabet of RFC 4648, not both; with its padding or without. */
function decodeBase64(value: JsonValue | undefined): Bytes | undefined {
  if (typeof value !== 'string') return undefined;
  const unpadded = value.replace(/={1,2}$/, '');
  if (unpadded !== value && value.length % 4 !== 0) return undefined;
  const isUrl = /[-_]/.test(unpadded);
  if (isUrl && /[+/]/.test(unpadded)) return undefined;
  return decodeBase64url(unpadded.replaceAll('+', '-').replaceAll('/', '_'));
}

function hasOnly(json: JsonObject, members: ReadonlySet<string>): boolean {
  return Object.keys(json).every((name) => members.has(name));
}

function malformed(part: string) {
  return refuse('macaroon_malformed', { part });
}
