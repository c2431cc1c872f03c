/**
 * JSON from outside (RFC 8259), read strictly: well-formed UTF-8, bounded nesting, strings that are
 * Unicode text without NUL, numbers that are finite. No I/O. A member named `__proto__` is an own
 * property like any other, as `JSON.parse` makes it: never copy these objects by assignment.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { measureJson } from '@cardea/shared/json/strict-json';
import { JSON_DEPTH_MAX } from '@cardea/shared/limits';

export type JsonRead =
  | { readonly ok: true; readonly value: unknown }
  /** `rule` is public text: what the body broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

export function parseStrictJson(bytes: Uint8Array): JsonRead {
  const text = decodeUtf8(bytes);
  if (text === undefined) return broken('The body is not UTF-8.');
  if (measureJson(text).depth > JSON_DEPTH_MAX) {
    return broken(`The body is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return broken('The body is not JSON.'); // The parser's own message would quote the body.
  }
  const rule = brokenRule(value);
  return rule === undefined ? { ok: true, value } : broken(rule);
}

function broken(rule: string): JsonRead {
  return { ok: false, rule };
}

/** The first rule that a value breaks. Recursion is bounded by {@link JSON_DEPTH_MAX}. */
function brokenRule(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) return 'A string has a lone surrogate.';
    return value.includes('\0') ? 'A string has a NUL character.' : undefined;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'A number is out of range.';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const rule = brokenRule(name) ?? brokenRule(member);
    if (rule !== undefined) return rule;
  }
  return undefined;
}
