/** Typed reading of the feed's JSON documents. A member that is absent or of another type is `undefined`. */

const SHA256_HEX = /^[0-9a-f]{64}$/;

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that `text` encodes, or `undefined` if it is no JSON or no object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined; // The only error of JSON.parse is malformed input.
  }
}

export function asObject(value: unknown): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : undefined;
}

/** An own member; inherited ones (`__proto__`, `constructor`) are absent. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function textMember(object: JsonObject, name: string): string | undefined {
  const value = member(object, name);
  return typeof value === 'string' ? value : undefined;
}

/** A non-negative integer that a double holds exactly. */
export function integerMember(object: JsonObject, name: string): number | undefined {
  const value = member(object, name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function arrayMember(object: JsonObject, name: string): readonly unknown[] | undefined {
  const value = member(object, name);
  return Array.isArray(value) ? value : undefined;
}

/** A SHA-256 in lowercase hexadecimal. */
export function hashMember(object: JsonObject, name: string): string | undefined {
  const value = textMember(object, name);
  return value !== undefined && SHA256_HEX.test(value) ? value : undefined;
}
