/** Guarantee: the first rule that matches decides, nothing matches by accident, and a policy that is
 * not understood whole is refused whole. */

import { readPath } from '@cardea/shared/path/read-path';
import { describe, expect, test } from 'vitest';
import { matchesPattern, parseRoutePattern, type RoutePattern } from './route-pattern.ts';
import { matchRoute, parseRoutes, ROUTES_MAX, type RouteRule } from './routes.ts';

function segmentsOf(path: string): readonly string[] {
  const read = readPath(path);
  if (!read.ok) throw new Error(`${path} is refused`);
  return read.value;
}

function patternOf(text: string): RoutePattern {
  const pattern = parseRoutePattern(text);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
}

function policyOf(rules: unknown): readonly RouteRule[] {
  const problems: string[] = [];
  const routes = parseRoutes(rules, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
  return routes;
}

function problemsOf(rules: unknown): string[] {
  const problems: string[] = [];
  parseRoutes(rules, (problem) => problems.push(problem));
  return problems;
}

describe('patterns', () => {
  test.each([
    ['/', '/', true],
    ['/', '/a', false],
    ['/a', '/a', true],
    ['/a', '/a/', true],
    ['/a', '/A', false],
    ['/a', '/a/b', false],
    ['/a', '/', false],
    ['/a', '/ab', false],
    ['/*', '/', true],
    ['/*', '/a/b/c', true],
    ['/a/*', '/a', true],
    ['/a/*', '/a/', true],
    ['/a/*', '/a/b', true],
    ['/a/*', '/a/b/c/', true],
    ['/a/*', '/ab', false],
    ['/a/*', '/b/a', false],
    ['/a/{id}', '/a/b', true],
    ['/a/{id}', '/a/b/', true],
    ['/a/{id}', '/a', false],
    ['/a/{id}', '/a/', false],
    ['/a/{id}', '/a/b/c', false],
    ['/a/{id}/c', '/a/b/c', true],
    ['/a/{id}/c', '/a/b/d', false],
    ['/a/{id}/*', '/a', false],
    ['/a/{id}/*', '/a/b', true],
    ['/a/{id}/*', '/a/b/c/d', true],
    ['/keys:verify', '/keys:verify', true],
    ['/keys:verify', '/keys%3averify', true],
    ['/caf%C3%A9', '/caf%c3%a9', true],
    ['/a%20b', '/a%20b', true],
  ])('%s against %s: %s', (pattern, path, expected) => {
    expect(matchesPattern(patternOf(pattern), segmentsOf(path))).toBe(expected);
  });

  test('a final slash never changes which pattern matches', () => {
    const patterns = ['/', '/*', '/a', '/a/*', '/a/{id}', '/a/b', '/{x}/b', '/a/{id}/*'];
    for (const path of ['/a', '/a/b', '/a/b/c', '/b', '/b/b']) {
      for (const pattern of patterns.map(patternOf)) {
        expect(matchesPattern(pattern, segmentsOf(`${path}/`))).toBe(
          matchesPattern(pattern, segmentsOf(path)),
        );
      }
    }
  });

  test.each([
    '',
    'a',
    '*',
    'https://evil.test/a',
    '/a/',
    '//',
    '/a//b',
    '/a/../b',
    '/a/%2e%2e',
    '/a%2fb',
    '/%61',
    '/a;b',
    '/a b',
    '/a*',
    '/*/a',
    '/a/*/b',
    '/a/**',
    '/{',
    '/{}',
    '/{a',
    '/a{b}',
    '/{a}b',
    '/{1}',
    '/{a-b}',
    '/a?b',
    '/a#b',
    '/.cardea/*',
    '/.cardea/health',
  ])('%j is no pattern', (text) => {
    expect(typeof parseRoutePattern(text)).toBe('string');
  });
});

describe('the policy', () => {
  const routes = policyOf([
    { methods: ['GET'], path: '/public/*', public: true },
    { methods: ['GET', 'POST'], path: '/v1/admin/*', scopes: ['admin'] },
    { methods: ['GET'], path: '/v1/*', scopes: ['read'] },
    { path: '/any', scopes: [] },
  ]);
  const match = (method: string, path: string) =>
    matchRoute(routes, method, segmentsOf(path))?.pattern.text;

  test.each([
    ['GET', '/public/x', '/public/*'],
    ['HEAD', '/public/x', '/public/*'],
    ['POST', '/public/x', undefined],
    ['OPTIONS', '/public/x', undefined],
    ['GET', '/v1/admin/x', '/v1/admin/*'],
    ['GET', '/v1/admin', '/v1/admin/*'],
    ['GET', '/v1/admin/', '/v1/admin/*'],
    ['GET', '/v1/administer', '/v1/*'],
    ['POST', '/v1/notes', undefined],
    ['PATCH', '/any', '/any'],
    ['OPTIONS', '/any', '/any'],
    ['GET', '/', undefined],
    ['get', '/public/x', undefined],
  ])('%s %s is decided by %s', (method, path, expected) => {
    expect(match(method, path)).toBe(expected);
  });

  test('order decides, not length', () => {
    const [first] = policyOf([
      { path: '/*', public: true },
      { path: '/v1', scopes: ['a'] },
    ]);
    expect(matchRoute(policyOf([{ path: '/*', public: true }]), 'GET', ['v1'])).toEqual(first);
  });

  test('on_stale is closed unless strict or a bounded time is written', () => {
    const stale = policyOf([
      { path: '/a', scopes: [] },
      { path: '/b', scopes: [], on_stale: 'closed' },
      { path: '/c', scopes: [], on_stale: { open_for_seconds: 300 } },
      { path: '/d', scopes: [], on_stale: 'strict' },
    ]).map(({ access }) => (access.kind === 'token' ? access.stale : undefined));
    expect(stale).toEqual([
      ...[{ openForSeconds: 0 }, { openForSeconds: 0 }, { openForSeconds: 300 }],
      { openForSeconds: 0, strict: true },
    ]);
  });

  test('a tool is a name that a caveat can have', () => {
    const tools = ['search', 'Mail.v2', 'mcp:fs/read_file', 'a'.repeat(128)];
    const routes = policyOf(tools.map((tool, i) => ({ path: `/${i}`, scopes: [], tool })));
    expect(routes.map(({ access }) => (access.kind === 'token' ? access.tool : ''))).toEqual(tools);
    const problem =
      'ROUTES[0].tool: must be 1 to 128 of A-Z a-z 0-9 . _ : / -, the first a letter or a digit';
    for (const tool of ['', 'a b', '-a', 'é', 'a'.repeat(129), 7, null, ['search']]) {
      expect(problemsOf([{ path: '/a', scopes: [], tool }])).toEqual([problem]);
    }
  });

  const needs = ': needs either "scopes" or "public": true';
  test.each([
    ['an object', {}, ['ROUTES: must be a JSON array of rules']],
    ['null', null, ['ROUTES: must be a JSON array of rules']],
    ['no rules', [], ['ROUTES: has no rule, so every request would be refused']],
    ['a text as rule', ['/a'], ['ROUTES[0]: must be an object']],
    ['neither scopes nor public', [{ path: '/a' }], [`ROUTES[0]${needs}`]],
    ['both', [{ path: '/a', scopes: [], public: true }], [`ROUTES[0]${needs}`]],
    ['public: false', [{ path: '/a', public: false }], ['ROUTES[0].public: must be true']],
    ['no path', [{ scopes: [] }], ['ROUTES[0].path: must be a text']],
    [
      'a misspelt member',
      [{ path: '/a', public: true, method: ['GET'] }],
      ['ROUTES[0]: only methods, path, scopes, public, on_stale, tool are members of a rule'],
    ],
    [
      'stale on a public route',
      [{ path: '/a', public: true, on_stale: 'closed' }],
      ['ROUTES[0].on_stale: a public route does not ask the feed'],
    ],
    [
      'a tool on a public route',
      [{ path: '/a', public: true, tool: 'search' }],
      ['ROUTES[0].tool: a public route does not ask for a token'],
    ],
  ])('%s is refused', (_, rules, problems) => {
    expect(problemsOf(rules)).toEqual(problems);
  });

  test.each([
    { scopes: 'a' },
    { scopes: [''] },
    { scopes: ['a b'] },
    { scopes: ['a"b'] },
    { scopes: ['é'] },
    { scopes: [1] },
    { scopes: ['a'.repeat(101)] },
    { scopes: Array.from({ length: 101 }, (_, i) => `s${i}`) },
    { scopes: [], methods: [] },
    { scopes: [], methods: 'GET' },
    { scopes: [], methods: ['get'] },
    { scopes: [], methods: ['TRACE'] },
    { scopes: [], methods: ['CONNECT'] },
    { scopes: [], on_stale: 'open' },
    { scopes: [], on_stale: 'Strict' },
    { scopes: [], on_stale: { strict: true } },
    { scopes: [], on_stale: null },
    { scopes: [], on_stale: {} },
    { scopes: [], on_stale: { open_for_seconds: 0 } },
    { scopes: [], on_stale: { open_for_seconds: 1.5 } },
    { scopes: [], on_stale: { open_for_seconds: '60' } },
    { scopes: [], on_stale: { open_for_seconds: 86_401 } },
    { scopes: [], on_stale: { open_for_seconds: 60, forever: true } },
  ])('the rule %j is refused', (rule) => {
    expect(problemsOf([{ path: '/a', ...rule }]).length).toBeGreaterThan(0);
  });

  test('every problem of every rule is listed, without quoting a value', () => {
    const problems = problemsOf([
      { path: 'hunter2', scopes: ['hunter2 '] },
      { path: '/ok', public: true },
      { path: '/hunter2/', methods: ['hunter2'], hunter2: 1 },
    ]);
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'ROUTES[0].path',
      'ROUTES[0].scopes',
      'ROUTES[2]',
      'ROUTES[2].path',
      'ROUTES[2].methods',
      'ROUTES[2].methods',
      'ROUTES[2]',
    ]);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('as many rules as allowed are read, one more is refused', () => {
    const rule = { path: '/a', public: true };
    expect(problemsOf(Array(ROUTES_MAX).fill(rule))).toEqual([]);
    expect(problemsOf(Array(ROUTES_MAX + 1).fill(rule))).toEqual([
      `ROUTES: has more than ${ROUTES_MAX} rules`,
    ]);
  });
});
