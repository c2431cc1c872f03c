/** The target of a request: its path as it was received, and as policy reads it. Pure. */

import { charactersOf, readPath } from '@cardea/shared/path/read-path';
import { accept, type Result, refuse } from '@cardea/shared/result';

export interface RequestTarget {
  /** The path as it was received, `/` first. Sent to the origin unchanged. */
  readonly path: string;
  /** The query as it was received, with its `?`, or empty. Sent on unchanged, never interpreted. */
  readonly query: string;
  /**
   * The decoded segments that policy matches. A final slash adds none, so that a path with and
   * without it meets the same rule: many servers answer both alike.
   */
  readonly segments: readonly string[];
}

const SLASH = 0x2f;

/** Host and port (RFC 3986 §3.2.2): names, addresses, brackets of IPv6. No user, no password. */
const IS_AUTHORITY = charactersOf(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:[]',
);

/**
 * Reads the target out of an absolute URL as the runtime gives it. Refuses with `request_malformed`
 * (no path, one longer than `PATH_LENGTH_MAX`, or an authority that is no host and port) and as
 * {@link readPath} does. A fragment, which no client sends, is refused too. The authority decides
 * nothing: it comes from the client's Host header, and the origin is told it as that.
 */
export function readTarget(url: string): Result<RequestTarget> {
  const start = pathStart(url);
  if (start < 0) return refuse('request_malformed', { rule: 'authority' });
  const queryStart = url.indexOf('?', start);
  const path = queryStart < 0 ? url.slice(start) : url.slice(start, queryStart);
  const query = queryStart < 0 ? '' : url.slice(queryStart);
  const segments = readPath(path);
  return segments.ok ? accept({ path, query, segments: segments.value }) : segments;
}

/** Index of the slash that ends the authority, or -1 if there is no path or no clean authority. */
function pathStart(url: string): number {
  const scheme = url.indexOf('://');
  if (scheme < 0) return -1;
  for (let i = scheme + 3; i < url.length; i++) {
    const code = url.charCodeAt(i);
    if (code === SLASH) return i;
    if (IS_AUTHORITY[code] !== 1) return -1;
  }
  return -1;
}
