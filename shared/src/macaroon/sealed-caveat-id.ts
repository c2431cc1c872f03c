/**
 * Ids of third-party caveats for services of one's own (docs/discharge.md): the key of the caveat and
 * what the service is to make sure of, sealed under a key that whoever narrows shares with the service.
 * So nobody has to ask the service before, and it has to remember nothing. Pure.
 */

import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { frame } from '../bytes/framing.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { openAead, sealAead } from '../crypto/aead.ts';
import { isJsonObject, ownMember, parseStrictJson } from '../json/strict-json.ts';
import type { Bytes } from './macaroon.ts';

/** A format: never change it, add another. */
const START = 'cid1.';
const LABEL = 'cardea/sealed-caveat-id/v1';
const CAVEAT_KEY_BYTES = 32;

export interface CaveatContent {
  /** 32 bytes drawn at random for this caveat: the root key of its discharge. */
  readonly caveatKey: Bytes;
  /** What the service is to make sure of, in its own words. */
  readonly condition: string;
}

export interface CaveatAddress {
  /** Shared with the service: a key of AES-256 (`importAeadKey`). */
  readonly sharedKey: CryptoKey;
  /** The service, as the caveat names it: an id is good for this one alone. */
  readonly location: string;
}

/** `cid1.` and base64url of nonce ‖ AES-256-GCM. `nonce`: 12 bytes drawn at random for this caveat. */
export async function sealCaveatId(
  { sharedKey, location }: CaveatAddress,
  { caveatKey, condition, nonce }: CaveatContent & { readonly nonce: Bytes },
): Promise<Bytes> {
  const content = { key: encodeBase64url(caveatKey), if: condition };
  const plaintext = encodeUtf8(JSON.stringify(content));
  const associatedData = frame(LABEL, location);
  const sealed = await sealAead(sharedKey, { plaintext, associatedData, nonce });
  return encodeUtf8(START + encodeBase64url(sealed));
}

/** `undefined` unless it was sealed under this key, for this location. */
export async function openCaveatId(
  { sharedKey, location }: CaveatAddress,
  identifier: Bytes,
): Promise<CaveatContent | undefined> {
  const text = decodeUtf8(identifier);
  if (text === undefined || !text.startsWith(START)) return undefined;
  const sealed = decodeBase64url(text.slice(START.length));
  if (sealed === undefined) return undefined;
  const plaintext = await openAead(sharedKey, sealed, frame(LABEL, location));
  const content =
    plaintext === undefined ? undefined : parseStrictJson(decodeUtf8(plaintext) ?? '', 1);
  if (!isJsonObject(content)) return undefined;
  const key = ownMember(content, 'key');
  const condition = ownMember(content, 'if');
  if (typeof key !== 'string' || typeof condition !== 'string') return undefined;
  const caveatKey = decodeBase64url(key);
  return caveatKey?.length === CAVEAT_KEY_BYTES ? { caveatKey, condition } : undefined;
}
