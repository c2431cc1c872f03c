/** Typed reading of the feed's JSON documents. A member that is absent or of another type is `undefined`. */

import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  ownMember,
  parseStrictJson,
} from '../json/strict-json.ts';

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** The object that `text` encodes, or `undefined` if it is no strict JSON or no object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  return asObject(parseStrictJson(text));
}

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

export function textMember(object: JsonObject, name: string): string | undefined {
  const value = ownMember(object, name);
  return typeof value === 'string' ? value : undefined;
}

/** A non-negative integer that a double holds exactly. */
export function integerMember(object: JsonObject, name: string): number | undefined {
  const value = ownMember(object, name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function arrayMember(object: JsonObject, name: string): readonly JsonValue[] | undefined {
  const value = ownMember(object, name);
  return Array.isArray(value) ? value : undefined;
}

/** A SHA-256 in lowercase hexadecimal. */
export function hashMember(object: JsonObject, name: string): string | undefined {
  const value = textMember(object, name);
  return value !== undefined && SHA256_HEX.test(value) ? value : undefined;
}
