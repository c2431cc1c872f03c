/**
 * The route policy: which request needs which scopes. An ordered list of rules; the first that
 * matches decides, and a request that none matches is refused. Parsed once, from configuration.
 * See `docs/routes.md`.
 */

import { SCOPE_LENGTH_MAX, SCOPES_MAX } from '@cardea/shared/limits';
import { isToolName } from '@cardea/shared/macaroon/parse-caveat';
import type { StalePolicy } from './feed/edge-feed.ts';
import { matchesPattern, parseRoutePattern, type RoutePattern } from './route-pattern.ts';

export interface RouteRule {
  readonly pattern: RoutePattern;
  /** Absent means every method. `HEAD` is in it wherever `GET` is (RFC 9110 §9.3.2). */
  readonly methods?: ReadonlySet<string>;
  readonly access: RouteAccess;
}

export type RouteAccess =
  | { readonly kind: 'public' }
  | {
      readonly kind: 'token';
      /** All of them are needed. None means: any valid token. */
      readonly scopes: readonly string[];
      readonly stale: StalePolicy;
      /** The tool that the route stands for: what `tool` caveats of macaroons are about. */
      readonly tool?: string | undefined;
    };

/** Most rules in one policy. Matching looks at them in turn. */
export const ROUTES_MAX = 500;

/** Longest time beyond the bound for which a route may stay open: a day. */
export const OPEN_FOR_SECONDS_MAX = 24 * 60 * 60;

/** Methods that can be passed on. Fetch refuses CONNECT; TRACE reflects credentials (RFC 9110 §9.3.8). */
export const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
]);

/** RFC 6749 §3.3 `scope-token`: safe inside a quoted string and in a list separated by spaces. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export function matchRoute(
  rules: readonly RouteRule[],
  method: string,
  segments: readonly string[],
): RouteRule | undefined {
  for (const rule of rules) {
    if (rule.methods !== undefined && !rule.methods.has(method)) continue;
    if (matchesPattern(rule.pattern, segments)) return rule;
  }
  return undefined;
}

type Report = (problem: string) => void;

/** The rules of `value` (an array as JSON gives it). Each problem is reported; none quotes a value. */
export function parseRoutes(value: unknown, report: Report): readonly RouteRule[] {
  if (!Array.isArray(value)) {
    report('ROUTES: must be a JSON array of rules');
    return [];
  }
  if (value.length === 0) report('ROUTES: has no rule, so every request would be refused');
  if (value.length > ROUTES_MAX) {
    report(`ROUTES: has more than ${ROUTES_MAX} rules`);
    return [];
  }
  return value.flatMap((item, index) => {
    const rule = parseRule(item, (problem) => report(`ROUTES[${index}]${problem}`));
    return rule === undefined ? [] : [rule];
  });
}

const MEMBERS = ['methods', 'path', 'scopes', 'public', 'on_stale', 'tool'];

function parseRule(item: unknown, report: Report): RouteRule | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    report(': must be an object');
    return undefined;
  }
  const members = new Map<string, unknown>(Object.entries(item));
  for (const name of members.keys()) {
    if (!MEMBERS.includes(name)) report(`: only ${MEMBERS.join(', ')} are members of a rule`);
  }
  const pattern = parsePath(members.get('path'), report);
  const methods = parseMethods(members.get('methods'), report);
  const access = parseAccess(members, report);
  if (pattern === undefined || access === undefined) return undefined;
  return methods === undefined ? { pattern, access } : { pattern, methods, access };
}

function parsePath(value: unknown, report: Report): RoutePattern | undefined {
  const pattern = typeof value === 'string' ? parseRoutePattern(value) : 'must be a text';
  if (typeof pattern !== 'string') return pattern;
  report(`.path: ${pattern}`);
  return undefined;
}

function parseMethods(value: unknown, report: Report): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  const methods = new Set<string>();
  for (const method of Array.isArray(value) ? value : []) {
    if (typeof method === 'string' && METHODS.has(method)) methods.add(method);
    else report(`.methods: each must be one of ${[...METHODS].join(', ')}`);
  }
  if (methods.size === 0) report('.methods: must be an array of at least one method');
  if (methods.has('GET')) methods.add('HEAD');
  return methods;
}

function parseAccess(members: Map<string, unknown>, report: Report): RouteAccess | undefined {
  const isPublic = members.get('public');
  const scopes = members.get('scopes');
  // Neither has a default: a rule that forgot its scopes must not turn out to be open.
  if ((isPublic === undefined) === (scopes === undefined)) {
    report(': needs either "scopes" or "public": true');
    return undefined;
  }
  if (scopes === undefined) {
    if (isPublic !== true) report('.public: must be true');
    if (members.has('on_stale')) report('.on_stale: a public route does not ask the feed');
    if (members.has('tool')) report('.tool: a public route does not ask for a token');
    return { kind: 'public' };
  }
  const stale = parseStale(members.get('on_stale'), report);
  const tool = parseTool(members.get('tool'), report);
  if (isScopeList(scopes)) return { kind: 'token', scopes, stale, tool };
  report(
    `.scopes: must be an array of at most ${SCOPES_MAX} scopes, each 1 to ${SCOPE_LENGTH_MAX} ` +
      'printable ASCII characters without space, quotation mark and backslash',
  );
  return undefined;
}

/** Only what a `tool` caveat can name: any other tool could never be called with such a caveat. */
function parseTool(value: unknown, report: Report): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isToolName(value)) return value;
  report('.tool: must be 1 to 128 of A-Z a-z 0-9 . _ : / -, the first a letter or a digit');
  return undefined;
}

function isScopeList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= SCOPES_MAX &&
    value.every(
      (scope) =>
        typeof scope === 'string' && scope.length <= SCOPE_LENGTH_MAX && SCOPE_TOKEN.test(scope),
    )
  );
}

const CLOSED: StalePolicy = { openForSeconds: 0 };
const STRICT: StalePolicy = { openForSeconds: 0, strict: true };

function parseStale(value: unknown, report: Report): StalePolicy {
  if (value === undefined || value === 'closed') return CLOSED;
  if (value === 'strict') return STRICT;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 1) {
    const seconds: unknown = 'open_for_seconds' in value ? value.open_for_seconds : undefined;
    if (typeof seconds === 'number' && Number.isInteger(seconds)) {
      if (seconds >= 1 && seconds <= OPEN_FOR_SECONDS_MAX) return { openForSeconds: seconds };
    }
  }
  report(
    '.on_stale: must be "closed", "strict" or { "open_for_seconds": N }, ' +
      `N a whole number from 1 to ${OPEN_FOR_SECONDS_MAX}`,
  );
  return CLOSED;
}
