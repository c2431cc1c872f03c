/**
 * Macaroon keys on their way to an edge. Macaroons are symmetric: who can verify them can mint them.
 * So each key is for one tenant, audience and epoch only, and it stands in the keyset sealed for one
 * edge, under a secret that only that edge and the control plane have (`docs/feed.md`).
 *
 * Everything that the item says in the clear is bound to the box as associated data: a key cannot be
 * passed off as another edge's, another environment's, or as one that lives longer.
 */

import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { frame } from '../bytes/framing.ts';
import { isUuidV4 } from '../bytes/uuid.ts';
import { importAeadKey, openAead, sealAead } from '../crypto/aead.ts';
import { hmacSha256, importHmacKey } from '../crypto/hmac.ts';
import type { JsonValue } from '../json/strict-json.ts';
import { KID_BYTES_MAX } from '../limits.ts';
import { type UnixSeconds, unixSeconds } from '../time.ts';
import { asObject, integerMember, textMember } from './feed-json.ts';
import { type ScopeId, scopeIdOfSigningKey } from './scope-id.ts';

declare const purpose: unique symbol;

/** Seals, or opens, the macaroon keys of one edge. */
export type EdgeSealingKey = CryptoKey & { readonly [purpose]: 'edge-sealing' };

/** Bytes of an edge's secret, which is its sealing key. */
export const EDGE_SECRET_BYTES = 32;

/** Bytes of the root key of a macaroon. */
export const MACAROON_KEY_BYTES = 32;

const BOX_BYTES = 12 + MACAROON_KEY_BYTES + 16;

/** What a macaroon key is good for. */
export interface MacaroonKeyBinding {
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly kid: string;
  /** The key verifies macaroons from this second … */
  readonly notBeforeSeconds: UnixSeconds;
  /** … and before this one: the end of its epoch and the longest lifetime. */
  readonly notAfterSeconds: UnixSeconds;
}

/** As the keyset carries it. */
export interface SealedMacaroonKey extends MacaroonKeyBinding {
  /** The only edge that can open it. */
  readonly edgeId: string;
  /** 12-byte nonce ‖ AES-256-GCM of the 32-byte root key. */
  readonly box: Uint8Array<ArrayBuffer>;
}

/** As an edge uses it, with the scope id under which it can be revoked. */
export interface FeedMacaroonKey extends MacaroonKeyBinding {
  readonly rootKey: Uint8Array<ArrayBuffer>;
  readonly scopeId: ScopeId;
}

/** Whose boxes they are. */
export interface EdgeIdentity {
  readonly environmentId: string;
  readonly edgeId: string;
  readonly sealingKey: EdgeSealingKey;
}

/** What an edge could read of the sealed keys. */
export interface OpenedMacaroonKeys {
  readonly macaroonKeys: ReadonlyMap<string, FeedMacaroonKey>;
  /** Kids sealed for this edge of which no box opens: its secret is another one. Sorted. */
  readonly unopenedKids: readonly string[];
}

/** Labels are a format: never change one, add another. */
const BOX_LABEL = 'cardea/sealed-macaroon-key/v1';
const NONCE_LABEL = 'cardea/sealed-macaroon-key-nonce/v1';

const EDGE_ID = /^[A-Za-z0-9._-]{1,64}$/;

export function isEdgeId(text: string): boolean {
  return EDGE_ID.test(text);
}

/**
 * `secret` has {@link EDGE_SECRET_BYTES}, drawn at random or derived for this one purpose; throws
 * `TypeError` for another length.
 */
export async function importEdgeSealingKey(
  secret: Uint8Array<ArrayBuffer>,
  usages: ReadonlyArray<'encrypt' | 'decrypt'>,
): Promise<EdgeSealingKey> {
  return (await importAeadKey(secret, usages)) as EdgeSealingKey;
}

/**
 * Seals the root key of a macaroon key for one edge. The same arguments make the same box, so that a
 * keyset keeps its hash while its keys stay: the nonce is a keyed hash, by the root key itself, of all
 * that the box is bound to. Another root key or binding has another nonce (SIV's idea, RFC 5297).
 * Throws `TypeError` for a root key of another length.
 */
export async function sealMacaroonKey(
  edge: EdgeIdentity,
  { rootKey, ...binding }: MacaroonKeyBinding & { readonly rootKey: Uint8Array<ArrayBuffer> },
): Promise<SealedMacaroonKey> {
  if (rootKey.length !== MACAROON_KEY_BYTES) {
    throw new TypeError('the root key of a macaroon has 32 bytes');
  }
  const associatedData = associatedDataOf(edge, binding);
  const mac = await hmacSha256(await importHmacKey(rootKey), frame(NONCE_LABEL, associatedData));
  const sealing = { plaintext: rootKey, associatedData, nonce: mac.slice(0, 12) };
  const { tenantId, issuer, audience, kid, notBeforeSeconds, notAfterSeconds } = binding;
  return {
    ...{ edgeId: edge.edgeId, tenantId, issuer, audience, kid, notBeforeSeconds, notAfterSeconds },
    box: await sealAead(edge.sealingKey, sealing),
  };
}

/**
 * The key in the box, or `undefined` if it is sealed for another edge, environment or secret, or if
 * anything that it is bound to was changed. What it is good for is for `macaroon/verify-token` to ask.
 */
export async function openMacaroonKey(
  edge: EdgeIdentity,
  { edgeId, box, ...binding }: SealedMacaroonKey,
): Promise<FeedMacaroonKey | undefined> {
  if (edgeId !== edge.edgeId) return undefined;
  const rootKey = await openAead(edge.sealingKey, box, associatedDataOf(edge, binding));
  if (rootKey === undefined) return undefined;
  return { ...binding, rootKey, scopeId: await scopeIdOfSigningKey(binding.kid) };
}

/**
 * Opens what is sealed for `edge` and leaves the rest alone. A kid may be sealed twice for one edge,
 * while its secret is being replaced: the box that opens counts.
 *
 * A key that does not open is left out and counted, and never refuses the keyset: a macaroon under it
 * is refused as one of an unknown key, and an edge with a wrong secret goes on verifying JWTs.
 */
export async function openMacaroonKeys(
  edge: EdgeIdentity,
  sealedKeys: readonly SealedMacaroonKey[],
): Promise<OpenedMacaroonKeys> {
  const own = sealedKeys.filter(({ edgeId }) => edgeId === edge.edgeId);
  const macaroonKeys = new Map<string, FeedMacaroonKey>();
  for (const sealed of own) {
    const key = await openMacaroonKey(edge, sealed);
    if (key !== undefined) macaroonKeys.set(key.kid, key);
  }
  const unopened = own.map(({ kid }) => kid).filter((kid) => !macaroonKeys.has(kid));
  return { macaroonKeys, unopenedKids: [...new Set(unopened)].sort() };
}

/** The members in the order in which they are written. */
export function encodeSealedKey(key: SealedMacaroonKey) {
  return {
    edge: key.edgeId,
    nid: key.tenantId,
    iss: key.issuer,
    aud: key.audience,
    kid: key.kid,
    nbf: key.notBeforeSeconds,
    exp: key.notAfterSeconds,
    box: encodeBase64url(key.box),
  };
}

/** `undefined` if a member is missing or not of its type. Unknown members are ignored. */
export function parseSealedKey(item: JsonValue): SealedMacaroonKey | undefined {
  const object = asObject(item);
  if (object === undefined) return undefined;
  const edgeId = textMember(object, 'edge');
  const tenantId = textMember(object, 'nid');
  const issuer = textMember(object, 'iss');
  const audience = textMember(object, 'aud');
  const kid = textMember(object, 'kid');
  const notBefore = integerMember(object, 'nbf');
  const notAfter = integerMember(object, 'exp');
  const box = decodeBase64url(textMember(object, 'box') ?? '=');
  if (edgeId === undefined || !isEdgeId(edgeId)) return undefined;
  if (tenantId === undefined || !isUuidV4(tenantId)) return undefined;
  if (!issuer || !audience || !kid || kid.length > KID_BYTES_MAX) return undefined;
  if (notBefore === undefined || notAfter === undefined || notAfter <= notBefore) return undefined;
  if (box?.length !== BOX_BYTES) return undefined;
  return {
    ...{ edgeId, tenantId, issuer, audience, kid, box },
    notBeforeSeconds: unixSeconds(notBefore),
    notAfterSeconds: unixSeconds(notAfter),
  };
}

function associatedDataOf(
  { environmentId, edgeId }: EdgeIdentity,
  binding: MacaroonKeyBinding,
): Uint8Array<ArrayBuffer> {
  const { tenantId, issuer, audience, kid, notBeforeSeconds, notAfterSeconds } = binding;
  return frame(
    ...[BOX_LABEL, environmentId, edgeId, tenantId, issuer, audience, kid],
    ...[String(notBeforeSeconds), String(notAfterSeconds)],
  );
}
