/**
 * The pattern of a `path` caveat: literal segments, `{}` for exactly one segment, a final `/*` for
 * everything at and below. Segments are read as the edge reads a request's (`path/read-path.ts`), and
 * have one spelling here.
 */

import { encodeUtf8 } from '../bytes/utf8.ts';
import { charactersOf, readPath } from '../path/read-path.ts';

export interface PathPattern {
  /** Decoded literals; `undefined` is one segment of any text. */
  readonly segments: ReadonlyArray<string | undefined>;
  readonly isSubtree: boolean;
}

/** `undefined` unless `text` is a pattern in its one spelling. */
export function parsePathPattern(text: string): PathPattern | undefined {
  if (!text.startsWith('/')) return undefined;
  const isSubtree = text.endsWith('/*');
  const fixed = isSubtree ? text.slice(0, -2) : text;
  const segments: Array<string | undefined> = [];
  for (const part of text === '/' || fixed === '' ? [] : fixed.slice(1).split('/')) {
    if (part === '{}') segments.push(undefined);
    else {
      const segment = readSegment(part);
      if (segment === undefined) return undefined;
      segments.push(segment);
    }
  }
  return { segments, isSubtree };
}

/** A literal in its one spelling, decoded. */
function readSegment(part: string): string | undefined {
  if (NEEDS_NO_READING.test(part)) return part;
  const literal = readPath(`/${part}`);
  const [segment] = literal.ok ? literal.value : [];
  if (segment === undefined || part.includes('*')) return undefined;
  const hasEscape = part.includes('%');
  return !hasEscape || encodeSegment(segment) === part ? segment : undefined;
}

/** As most are: no dot segment for certain, and `readPath` takes them as they stand. */
const NEEDS_NO_READING = /^[A-Za-z0-9_-]{1,255}$/;

export function formatPathPattern({ segments, isSubtree }: PathPattern): string {
  const path = segments.map((each) => `/${each === undefined ? '{}' : encodeSegment(each)}`);
  if (isSubtree) return `${path.join('')}/*`;
  return path.length === 0 ? '/' : path.join('');
}

export function matchesPath(
  { segments, isSubtree }: PathPattern,
  path: readonly string[],
): boolean {
  if (isSubtree ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((literal, i) => literal === undefined || literal === path[i]);
}

/** As `readPath` takes them unescaped, but for `*`, which means something in a pattern. */
const IS_PLAIN = charactersOf(
  `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()+,=:@`,
);

function encodeSegment(segment: string): string {
  let text = '';
  for (const byte of encodeUtf8(segment)) {
    text +=
      IS_PLAIN[byte] === 1
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
