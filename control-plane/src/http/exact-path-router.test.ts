/** Guarantee: every path is led where the router of patterns leads it, the first time and every other. */

import { TrieRouter } from 'hono/router/trie-router';
import { expect, test } from 'vitest';
import { ExactPathRouter } from './exact-path-router.ts';

const ROUTES = [
  ['ALL', '*', 'everything'],
  ['ALL', '/admin/*', 'guard'],
  ['POST', '/admin/keys', 'issue'],
  ['GET', '/admin/keys', 'list'],
  ['GET', '/admin/keys/:key_id{[^/:]+}', 'get'],
  ['POST', '/admin/keys/:key_id{[^/]+:revoke}', 'revoke'],
  ['POST', '/admin/keys:verify', 'verify'],
  ['POST', '/token', 'token'],
] as const;

const ASKED = ['GET', 'POST', 'PATCH', 'HEAD', 'ALL'].flatMap((method) =>
  [
    ...['/', '', '*', '/token', '/token/', '/Token', '//token', '/token?x', '/tok', '/token/x'],
    ...['/admin', '/admin/', '/admin/*', '/admin/keys', '/admin/keys/', '/admin/keys/a'],
    ...['/admin/keys/a:revoke', '/admin/keys/b:revoke', '/admin/keys/a:other', '/admin/keys/a/b'],
    ...['/admin/keys:verify', '/admin/keys:other', '/admin/keys/:key_id{[^/:]+}', '/__proto__'],
  ].map((path) => [method, path] as const),
);

function routers() {
  const [ours, reference] = [new ExactPathRouter<string>(), new TrieRouter<string>()];
  for (const [method, path, handler] of ROUTES) {
    ours.add(method, path, handler);
    reference.add(method, path, handler);
  }
  return { ours, reference };
}

test('as the router of patterns', () => {
  const { ours, reference } = routers();
  for (let times = 0; times < 3; times++) {
    for (const [method, path] of ASKED) {
      expect(ours.match(method, path), `${method} ${path}`).toEqual(reference.match(method, path));
    }
  }
  const handlers = ours.match('POST', '/admin/keys:verify')[0].map(([handler]) => handler);
  expect(handlers).toEqual(['everything', 'guard', 'verify']);
});

test('a path without parameters is looked for once, others each time', () => {
  const { ours } = routers();
  expect(ours.match('POST', '/token')).toBe(ours.match('POST', '/token'));
  const [one, other] = ['a', 'b'].map((id) => ours.match('GET', `/admin/keys/${id}`));
  expect(one).not.toEqual(other);
});

test('a route that is added late counts for paths that were asked for', () => {
  const { ours, reference } = routers();
  ours.match('POST', '/token');
  for (const router of [ours, reference]) router.add('ALL', '/token', 'late');
  expect(ours.match('POST', '/token')).toEqual(reference.match('POST', '/token'));
});
