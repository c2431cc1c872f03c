/** Guarantee: requests are routed by the host, path and query that the URL standard finds in their URL. */

import { expect, test } from 'vitest';
import { hostOf, queryOf, routingPath } from './request-url.ts';

const URLS = [
  'http://localhost',
  'https://keys.example/',
  'https://keys.example:443/a',
  'http://keys.example:8080/a?b',
  'http://[::1]:8080/a/b:verb?x=1&x=2#fragment',
  'http://keys.example?x=//y/z',
  'http://keys.example#a?b',
  'http://keys.example/a?x=1?y=2#?z',
  'http://KEYS.example/%2e%2E/a/../b/./c%2Fd',
  'http://keys.example//a///b//?//',
  'http://keys.example/a\\b',
  'http://keys.example/é ü?é=ü +%20',
  'http://bücher.example/',
  'http://keys.example/http://other.example/?y',
  'http://keys.example/a@b:c',
];

test.each(URLS)('%s', (text) => {
  const request = new Request(text);
  const url = new URL(request.url);
  expect(hostOf(request)).toBe(url.host);
  expect(routingPath(request)).toBe(url.pathname.replace(/\/{2,}/g, '/'));
  expect([...queryOf(request)]).toEqual([...url.searchParams]);
});

test('no request carries credentials in its URL', () => {
  expect(() => new Request('http://keys.example@other.example/')).toThrow(TypeError);
});
