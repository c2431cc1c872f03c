/** Feeds for tests: fixed keys (so that every text is reproducible) and heads signed by them. */

import { encodeBase64url } from '../../bytes/base64url.ts';
import { concatBytes } from '../../bytes/framing.ts';
import { decodeHex } from '../../bytes/hex.ts';
import { encodeUtf8 } from '../../bytes/utf8.ts';
import { DEFAULT_TENANT_ID } from '../../tenant.ts';
import { unixSeconds } from '../../time.ts';
import { encodeEntries, FOR_GOOD, type RevocationEntry } from '../entry.ts';
import { type FeedKeys, feedKeyId, importFeedKeys } from '../feed-key.ts';
import { encodeHeadPayload, type FeedHead, type UnsignedHead } from '../head.ts';
import { headProtectedHeader } from '../head-signature.ts';
import type { KeysetKey } from '../keyset.ts';

/** PKCS #8 (RFC 8410 §7) up to the 32 bytes of an Ed25519 private key. */
const PKCS8_PREFIX = '302e020100300506032b657004220420';

export interface FixedKey {
  /** base64url of the public key. */
  readonly x: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** The Ed25519 key whose private bytes are all `fill`. */
export async function fixedKey(fill: number): Promise<FixedKey> {
  const prefix = decodeHex(PKCS8_PREFIX) ?? new Uint8Array();
  const pkcs8 = concatBytes(prefix, new Uint8Array(32).fill(fill));
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x = '' } = await crypto.subtle.exportKey('jwk', privateKey);
  return { x, kid: await feedKeyId(x), privateKey };
}

export async function pinned(...keys: readonly FixedKey[]): Promise<FeedKeys> {
  const imported = await importFeedKeys(keys.map(({ x }) => x));
  if (!imported.ok) throw new Error('a fixed key was refused');
  return imported.value;
}

/** Signs any text under any header: for documents that a correct publisher never writes. */
export async function signCompact(
  key: FixedKey,
  payload: string,
  header: string = JSON.stringify(headProtectedHeader(key.kid)),
): Promise<string> {
  const text = `${encodeBase64url(encodeUtf8(header))}.${encodeBase64url(encodeUtf8(payload))}`;
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, encodeUtf8(text));
  return `${text}.${encodeBase64url(new Uint8Array(signature))}`;
}

export function signHead(key: FixedKey, head: FeedHead): Promise<string> {
  return signCompact(key, encodeHeadPayload(unsignedHeadOf(head)));
}

export function unsignedHeadOf(head: FeedHead): UnsignedHead {
  return { ...head, tail: encodeEntries(head.tail) };
}

export function headOf(changes: Partial<FeedHead> = {}): FeedHead {
  return {
    environmentId: 'test',
    seq: 1_700_000_000_000,
    issuedAtSeconds: unixSeconds(1_700_000_000),
    keysetHash: '0'.repeat(64),
    segments: [],
    tail: [],
    ...changes,
  };
}

/** An active key of the default tenant that lives for ever, with `changes`. */
export function keysetKeyOf(key: FixedKey, changes: Partial<KeysetKey> = {}): KeysetKey {
  return {
    tenantId: DEFAULT_TENANT_ID,
    issuer: 'https://issuer.test',
    audience: 'https://api.test',
    algorithm: 'EdDSA',
    kid: key.kid,
    state: 'active',
    notBeforeSeconds: unixSeconds(0),
    notAfterSeconds: unixSeconds(4_000_000_000),
    jwk: { kty: 'OKP', crv: 'Ed25519', x: key.x },
    ...changes,
  };
}

export function entry(high: number, low: number, boundSeconds = FOR_GOOD): RevocationEntry {
  return { scopeId: { high, low }, boundSeconds };
}
