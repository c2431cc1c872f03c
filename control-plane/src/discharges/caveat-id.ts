/**
 * The ids of third-party caveats that the control plane discharges: what must hold, for anybody to
 * read. The caveat's key follows from the id and a root, so an id that was changed has another key, and a
 * discharge for it is of no use. Pure.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { isUuidV4 } from '@cardea/shared/bytes/uuid';
import { parseScopeId } from '@cardea/shared/feed/scope-id';
import {
  isJsonObject,
  type JsonObject,
  ownMember,
  parseStrictJson,
} from '@cardea/shared/json/strict-json';
import { ACTOR_ID_LENGTH_MAX, DISCHARGE_SECONDS_MAX } from '../limits.ts';

/** What a discharge says. */
export type DischargeCondition =
  /** Whoever asks has shown the API key with this id. */
  | { readonly kind: 'key'; readonly keyId: string }
  /** Whoever asks has shown an API key of this actor. */
  | { readonly kind: 'actor'; readonly actorId: string }
  /** Nothing that the token hangs on was revoked, so many seconds ago at most. */
  | FreshCondition;

export interface FreshCondition {
  readonly kind: 'fresh';
  readonly seconds: number;
  readonly tokenId: string;
  readonly issuedAtSeconds: number;
  /** Everything by which the token can be revoked: 16 hexadecimal digits each. */
  readonly scopeIds: readonly string[];
}

export interface CaveatId {
  readonly tenantId: string;
  /** Random: no two caveats have one key. */
  readonly nonce: string;
  readonly condition: DischargeCondition;
}

const NONCE_BYTES = 16;
const NONCE = /^[A-Za-z0-9_-]{22}$/;
const KEY_ID = /^[0-9a-f-]{36}$|^[0-9a-f]{64}$/;
/** The token, four before it, key, actor, tenant, signing key and everything. */
const SCOPE_IDS_MAX = 16;

/** 22 characters for the id of a new caveat. */
export function newNonce(randomBytes: (length: number) => Uint8Array): string {
  return encodeBase64url(randomBytes(NONCE_BYTES));
}

/** JSON, members in this order. Two ids that mean the same are the same text. */
export function formatCaveatId({ tenantId, nonce, condition }: CaveatId): string {
  const common = { v: 1, nid: tenantId, nonce };
  switch (condition.kind) {
    case 'key':
      return JSON.stringify({ ...common, key: condition.keyId });
    case 'actor':
      return JSON.stringify({ ...common, actor: condition.actorId });
    case 'fresh': {
      const { issuedAtSeconds: iat, scopeIds, seconds, tokenId: jti } = condition;
      return JSON.stringify({ ...common, fresh: seconds, jti, iat, scopes: scopeIds });
    }
  }
}

/** `undefined` for anything but what {@link formatCaveatId} writes. */
export function parseCaveatId(text: string): CaveatId | undefined {
  const json = parseStrictJson(text, 2);
  if (!isJsonObject(json)) return undefined;
  const tenantId = ownMember(json, 'nid');
  const nonce = ownMember(json, 'nonce');
  const condition = parseCondition(json);
  if (typeof tenantId !== 'string' || !isUuidV4(tenantId)) return undefined;
  if (typeof nonce !== 'string' || !NONCE.test(nonce) || condition === undefined) return undefined;
  const id = { tenantId, nonce, condition };
  // The version, the order of members and members besides: all of that shows here.
  return formatCaveatId(id) === text ? id : undefined;
}

function parseCondition(json: JsonObject): DischargeCondition | undefined {
  const keyId = ownMember(json, 'key');
  if (keyId !== undefined) {
    const isId = typeof keyId === 'string' && KEY_ID.test(keyId);
    return isId ? { kind: 'key', keyId } : undefined;
  }
  const actorId = ownMember(json, 'actor');
  if (actorId === undefined) return parseFresh(json);
  const isName = typeof actorId === 'string' && isActorId(actorId);
  return isName ? { kind: 'actor', actorId } : undefined;
}

function isActorId(text: string): boolean {
  return text.length >= 1 && text.length <= ACTOR_ID_LENGTH_MAX;
}

function parseFresh(json: JsonObject): FreshCondition | undefined {
  const seconds = ownMember(json, 'fresh');
  const tokenId = ownMember(json, 'jti');
  const issuedAtSeconds = ownMember(json, 'iat');
  const scopeIds = ownMember(json, 'scopes');
  if (!isWholeNumber(seconds) || seconds < 1 || seconds > DISCHARGE_SECONDS_MAX) return undefined;
  if (typeof tokenId !== 'string' || !isUuidV4(tokenId)) return undefined;
  if (!isWholeNumber(issuedAtSeconds) || !Array.isArray(scopeIds)) return undefined;
  const texts = scopeIds.filter((text) => typeof text === 'string');
  const areIds = texts.every((text) => parseScopeId(text) !== undefined);
  if (!areIds || texts.length !== scopeIds.length || texts.length > SCOPE_IDS_MAX) return undefined;
  return { kind: 'fresh', seconds, tokenId, issuedAtSeconds, scopeIds: texts };
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
