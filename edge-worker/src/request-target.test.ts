/**
 * Guarantee: the path that policy matched is the path that is sent on, and no two servers read it
 * differently (threats 12 and 13).
 */

import { PATH_LENGTH_MAX, readPath } from '@cardea/shared/path/read-path';
import { refuse } from '@cardea/shared/result';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTarget } from './request-target.ts';

const ambiguous = (rule: string) => refuse('path_ambiguous', { rule });

describe('paths that are read alike everywhere', () => {
  test.each([
    ['/', []],
    ['/v1/notes', ['v1', 'notes']],
    ['/v1/notes/', ['v1', 'notes']],
    ['/a/.well-known/x', ['a', '.well-known', 'x']],
    ['/a/...', ['a', '...']],
    ['/a/x.y', ['a', 'x.y']],
    ["/-._~!$&'()*+,=:@", ["-._~!$&'()*+,=:@"]],
    ['/users/a%40b.c', ['users', 'a@b.c']],
    ['/keys%3Averify', ['keys:verify']],
    ['/a%20b', ['a b']],
    ['/100%25', ['100%']],
    ['/%25zz', ['%zz']],
    ['/what%3f', ['what?']],
    ['/%23', ['#']],
    ['/%7Euser', ['~user']],
    ['/%C3%A9', ['é']],
    ['/%c3%a9', ['é']],
    ['/%F0%9F%98%80', ['😀']],
  ])('%s', (path, segments) => {
    expect(readPath(path)).toEqual({ ok: true, value: segments });
  });
});

describe('paths that servers read differently', () => {
  test.each([
    ['//', 'empty_segment'],
    ['//evil.test/x', 'empty_segment'],
    ['/a//b', 'empty_segment'],
    ['/a//', 'empty_segment'],
    ['/.', 'dot_segment'],
    ['/..', 'dot_segment'],
    ['/a/../b', 'dot_segment'],
    ['/a/./b', 'dot_segment'],
    ['/a/..', 'dot_segment'],
    ['/a/../', 'dot_segment'],
    ['/a/%2e%2e/b', 'escape'],
    ['/a/%2E%2e/b', 'escape'],
    ['/a/.%2e/b', 'escape'],
    ['/a/%2e/b', 'escape'],
    ['/a%2fb', 'escape'],
    ['/a%2Fb', 'escape'],
    ['/a%5cb', 'escape'],
    ['/a%5Cb', 'escape'],
    ['/a\\b', 'character'],
    ['/a;b', 'character'],
    ['/a;jsessionid=1/b', 'character'],
    ['/a%3bb', 'escape'],
    ['/..;/b', 'character'],
    ['/a%00', 'escape'],
    ['/a%0d%0ab', 'escape'],
    ['/a%1f', 'escape'],
    ['/a%7f', 'escape'],
    ['/a%252fb', 'escape'],
    ['/a%252e%252e', 'escape'],
    ['/a%25252f', 'escape'],
    ['/a%25%32%66', 'escape'],
    ['/%61dmin', 'escape'],
    ['/%41', 'escape'],
    ['/%30', 'escape'],
    ['/a%2d', 'escape'],
    ['/a%5f', 'escape'],
    ['/a%', 'escape'],
    ['/a%2', 'escape'],
    ['/a%zz', 'escape'],
    ['/a%u002e', 'escape'],
    ['/%c0%ae', 'escape'], // An overlong "."
    ['/%c0%af', 'escape'], // An overlong "/"
    ['/%e0%80%af', 'escape'],
    ['/%ff', 'escape'],
    ['/%c3', 'escape'],
    ['/%ed%a0%80', 'escape'], // A surrogate
    ['/%f4%90%80%80', 'escape'], // Beyond U+10FFFF
    ['/é', 'character'],
    ['/a b', 'character'],
    ['/a\tb', 'character'],
    ['/a\nb', 'character'],
    ['/a\u0000b', 'character'],
    ['/a"b', 'character'],
    ['/a<b>', 'character'],
    ['/a{b}', 'character'],
    ['/a|b', 'character'],
    ['/a^b', 'character'],
    ['/a`b', 'character'],
    ['/a[b]', 'character'],
    ['/a#b', 'character'],
    ['/／', 'character'],
  ])('%j is refused', (path, rule) => {
    expect(readPath(path)).toEqual(ambiguous(rule));
  });

  test('a path as long as allowed is read, a longer one is not', () => {
    const longest = `/${'a'.repeat(PATH_LENGTH_MAX - 1)}`;
    expect(readPath(longest)).toMatchObject({ ok: true });
    expect(readPath(`${longest}a`)).toEqual(refuse('request_malformed', { rule: 'path_length' }));
  });
});

describe('the target of a URL', () => {
  test.each([
    ['https://api.test/a/b', '/a/b', ''],
    ['https://api.test/a?b=/c/../d', '/a', '?b=/c/../d'],
    ['https://api.test/?', '/', '?'],
    ['https://api.test/a??b', '/a', '??b'],
    ['http://api.test:8080/a', '/a', ''],
    ['http://[::1]:8080/a', '/a', ''],
  ])('%s', (url, path, query) => {
    expect(readTarget(url)).toMatchObject({ ok: true, value: { path, query } });
  });

  test.each([
    'http://api.test',
    'http://api.test*',
    'http://api.test?a=/b',
    'http://api.test#/b',
    'http://user:secret@api.test/a',
    'http://api.test\\/a',
    'http://a"<>b/a',
    'http://a b/a',
    'http://é.test/a',
    '/a',
    '',
  ])('%j has no path, or no host', (url) => {
    expect(readTarget(url)).toEqual(refuse('request_malformed', { rule: 'authority' }));
  });

  test('no URL parser rewrites an accepted path, and decoding it once yields its segments', () => {
    const text = fc.string({ unit: fc.constantFrom(...'/.%25cC3aAfF;\\~:@+ é?#'), maxLength: 12 });
    fc.assert(
      fc.property(text, (tail) => {
        const path = `/${tail}`;
        const read = readPath(path);
        if (!read.ok) return;
        expect(new URL(`http://origin.test${path}`).href).toBe(`http://origin.test${path}`);
        const once = path.replace(/\/$/, '').split('/').slice(1).map(decodeURIComponent);
        expect(read.value).toEqual(once);
        for (const segment of read.value) {
          expect(segment).not.toMatch(/[/\\;]|^\.{1,2}$|%[0-9a-f]{2}/i);
        }
      }),
      { seed: 12, numRuns: 20_000 },
    );
  });

  test('the generator above does reach accepted paths with escapes', () => {
    const accepted = ['/%25', '/%C3%A5', '/a%25/'].map((path) => readPath(path).ok);
    expect(accepted).toEqual([true, true, true]);
  });
});
