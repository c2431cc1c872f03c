/**
 * The one reading of a path, shared by routes, caveats and forwarding: what is matched is what is sent
 * on, byte for byte. A path that two servers could read differently is refused, not repaired.
 */

import { accept, type Result, refuse } from '../result.ts';

/** Longest path we look at, in characters. Common servers stop between 4 and 8 KiB. */
export const PATH_LENGTH_MAX = 4096;

const SLASH = 0x2f;
const PERCENT = 0x25;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * RFC 3986 §3.3: unreserved / sub-delims / ":" / "@" as they stand. Without ";": servlet containers
 * cut a segment there, others do not. "%" and "/" are looked at on their own.
 */
const IS_PLAIN = charactersOf(
  `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@`,
);

/**
 * Characters that nobody has a reason to escape (RFC 3986 §2.3) and that filters are evaded with.
 * "~" is left out: older encoders escape it in good faith.
 */
const NEVER_ESCAPED = charactersOf(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._',
);

/**
 * The decoded segments of a path. Refuses with `path_ambiguous`: `//`, `.` and `..` segments, `;`,
 * backslashes, escapes of `/`, `\`, `;`, of control characters and of letters, digits, `-`, `.`, `_`,
 * an escape inside an escape (`%25` before two hexadecimal digits), escapes that are not UTF-8, and
 * every character that a URL parser would rewrite. Linear in the length of the path.
 */
export function readPath(path: string): Result<readonly string[]> {
  if (path.length > PATH_LENGTH_MAX) return refuse('request_malformed', { rule: 'path_length' });
  let hasEscape = false;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (IS_PLAIN[code] === 1) continue;
    if (code === SLASH) {
      if (i > 0 && path.charCodeAt(i - 1) === SLASH) return ambiguous('empty_segment');
    } else if (code === PERCENT) {
      hasEscape = true;
    } else {
      return ambiguous('character');
    }
  }
  const segments = path.split('/');
  segments.shift();
  if (segments.at(-1) === '') segments.pop();
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return ambiguous('dot_segment');
    if (!hasEscape) continue;
    const decoded = decodeSegment(segment);
    if (decoded === undefined) return ambiguous('escape');
    segments[index] = decoded;
  }
  return accept(segments);
}

function decodeSegment(segment: string): string | undefined {
  for (let i = segment.indexOf('%'); i >= 0; i = segment.indexOf('%', i + 3)) {
    const byte = hexByte(segment, i + 1);
    if (byte < 0 || NEVER_ESCAPED[byte] === 1) return undefined;
    if (byte < 0x20 || byte === DELETE) return undefined;
    if (byte === SLASH || byte === BACKSLASH || byte === SEMICOLON) return undefined;
    if (byte === PERCENT && hexByte(segment, i + 3) >= 0) return undefined;
  }
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // Its only error is malformed UTF-8: overlong forms and surrogates included.
  }
}

/** The value of the two hexadecimal digits at `index`, or -1. */
function hexByte(text: string, index: number): number {
  const high = hexDigit(text.charCodeAt(index));
  const low = hexDigit(text.charCodeAt(index + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function ambiguous(rule: string) {
  return refuse('path_ambiguous', { rule });
}

/** A table that has 1 at the code of each of `characters`. */
export function charactersOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}
