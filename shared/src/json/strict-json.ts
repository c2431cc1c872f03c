/**
 * JSON (RFC 8259) read in the one way that every parser agrees on, the I-JSON profile (RFC 7493):
 * no duplicate members at any level, no lone surrogates, no numbers outside of double precision's
 * range, and a bound on nesting. For signed documents, where two readings are an attack.
 */

import { JSON_DEPTH_MAX } from '../limits.ts';

export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
/** Read members with {@link ownMember}: `__proto__` and `constructor` are names like any other. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * The value, or `undefined` if `text` is not JSON or breaks one of the rules above. Linear in the
 * length of `text`; the caller bounds that.
 */
export function parseStrictJson(text: string, depthMax = JSON_DEPTH_MAX): JsonValue | undefined {
  const shape = measureJson(text);
  if (shape.depth > depthMax) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // JSON.parse throws for nothing but malformed text.
  }
  // Raw surrogates are looked for once; escaped ones can only come from a `\u`.
  if (!text.isWellFormed()) return undefined;
  const walk: Walk = { memberCount: 0, sound: true, escaped: text.includes('\\u') };
  inspect(value, walk);
  // JSON.parse keeps the last of two members with one name: so fewer are left than were written.
  return walk.sound && walk.memberCount === shape.memberCount ? value : undefined;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member that `object` itself has, never one of its prototype. */
export function ownMember(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Members written and deepest nesting, in one linear pass before anything is built. If `text` is not
 * JSON, the depth still bounds how deep a parser gets before it finds out.
 */
export function measureJson(text: string): {
  readonly memberCount: number;
  readonly depth: number;
} {
  let memberCount = 0;
  let depth = 0;
  let open = 0;
  const hasEscape = text.includes('\\');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i, hasEscape);
    } else if (code === COLON) {
      memberCount++;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      open++;
      if (open > depth) depth = open;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      open--;
    }
  }
  return { memberCount, depth };
}

/** Index of the quote that closes the string opened at `start`, or the text's length. */
function endOfString(text: string, start: number, hasEscape: boolean): number {
  if (!hasEscape) {
    const end = text.indexOf('"', start + 1);
    return end < 0 ? text.length : end;
  }
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return text.length;
}

interface Walk {
  memberCount: number;
  sound: boolean;
  readonly escaped: boolean;
}

/** Recursion is bounded: the depth was measured before. */
function inspect(value: JsonValue, walk: Walk): void {
  if (typeof value === 'string') {
    if (walk.escaped && !value.isWellFormed()) walk.sound = false;
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) walk.sound = false; // 1e400
  } else if (Array.isArray(value)) {
    for (const element of value) inspect(element, walk);
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      walk.memberCount++;
      if (walk.escaped && !name.isWellFormed()) walk.sound = false;
      const member = value[name];
      if (member !== undefined) inspect(member, walk);
    }
  }
}
