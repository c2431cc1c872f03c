/**
 * The pattern of one route rule: literal segments, `{name}` for exactly one segment, and a final `/*`
 * for everything at and below. Compiled once; matching is linear in the number of segments.
 * See `docs/routes.md`.
 */

import { readPath } from '@cardea/shared/path/read-path';

/** What one segment must be: this text after decoding, or anything (`undefined`). */
type SegmentPattern = string | undefined;

export interface RoutePattern {
  /** As written in the configuration: what logs name the route by. */
  readonly text: string;
  readonly segments: readonly SegmentPattern[];
  /** Whether a final `/*` lets further segments follow. */
  readonly isSubtree: boolean;
}

const PLACEHOLDER = /^\{[A-Za-z][A-Za-z0-9_]{0,63}\}$/;

/** Served by the edge itself, never by the origin. */
export const OWN_SEGMENT = '.cardea';

/** The compiled pattern, or what is wrong with it, without quoting it. */
export function parseRoutePattern(text: string): RoutePattern | string {
  if (!text.startsWith('/')) return 'must start with "/"';
  const isSubtree = text.endsWith('/*');
  const fixed = isSubtree ? text.slice(0, -2) : text;
  if (!isSubtree && fixed !== '/' && fixed.endsWith('/')) {
    return 'must not end with "/": a request with a final slash matches the pattern without it';
  }
  const segments: SegmentPattern[] = [];
  for (const part of fixed === '/' ? [] : fixed.split('/').slice(1)) {
    if (PLACEHOLDER.test(part)) segments.push(undefined);
    else if (/[{}*]/.test(part)) {
      return '"{name}" must be a whole segment, and "*" may only be the last one';
    } else {
      const literal = readPath(`/${part}`);
      const [segment] = literal.ok ? literal.value : [];
      if (segment === undefined) return 'has a segment that no request can have';
      segments.push(segment);
    }
  }
  if (segments[0] === OWN_SEGMENT) return `"/${OWN_SEGMENT}" belongs to the edge itself`;
  return { text, segments, isSubtree };
}

export function matchesPattern(pattern: RoutePattern, segments: readonly string[]): boolean {
  const expected = pattern.segments;
  if (pattern.isSubtree) {
    if (segments.length < expected.length) return false;
  } else if (segments.length !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) {
    const literal = expected[i];
    if (literal !== undefined && literal !== segments[i]) return false;
  }
  return true;
}
