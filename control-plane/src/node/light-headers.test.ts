/** Guarantee: what answers do with their headers comes out as with Node's own `Headers`. */

import { expect, test } from 'vitest';
import { LightHeaders } from './light-headers.ts';

type AnyHeaders = Pick<Headers, 'append' | 'delete' | 'entries' | 'get' | 'has' | 'set'>;

const CHANGES: ReadonlyArray<readonly [string, (headers: AnyHeaders) => unknown]> = [
  ['nothing', () => undefined],
  ['set', (headers) => headers.set('X-Request-ID', 'b')],
  ['set over another case', (headers) => headers.set('CACHE-CONTROL', 'max-age=1')],
  ['append', (headers) => headers.append('Cache-Control', 'private')],
  ['append a new one', (headers) => headers.append('Vary', 'Origin')],
  ['delete', (headers) => headers.delete('cache-control')],
  ['delete what is not there', (headers) => headers.delete('Vary')],
  ['get', (headers) => headers.get('cache-CONTROL')],
  ['get what is not there', (headers) => headers.get('Vary')],
  ['has', (headers) => headers.has('PRAGMA')],
  ['has what is not there', (headers) => headers.has('Vary')],
];

test.each(CHANGES)('%s', (_, change) => {
  const init = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };
  for (const form of [init, Object.entries(init), new Headers(init), undefined]) {
    const [light, native] = [new LightHeaders(form), new Headers(form)];
    expect(change(light)).toEqual(change(native));
    expect([...light.entries()].sort()).toEqual([...native.entries()].sort());
    expect(new Map([...light])).toEqual(new Map([...native]));
    expect([...light.keys()].sort()).toEqual([...native.keys()].sort());
    expect([...light.values()].sort()).toEqual([...native.values()].sort());
    const visited: string[][] = [];
    light.forEach((value, name) => {
      visited.push([name, value]);
    });
    expect(visited).toEqual([...light]);
    expect(light.getSetCookie()).toEqual(native.getSetCookie());
  }
});

test.each([
  ['', 'a'],
  ['a b', 'a'],
  ['a:', 'a'],
  ['é', 'a'],
  ['a\r\nb', 'a'],
  ['a', 'a\r\nb: c'],
  ['a', 'a\nb'],
  ['a', 'a\0'],
  ['a', 'ā'],
])('%j: %j is refused', (name, value) => {
  for (const headers of [new LightHeaders(), new Headers()]) {
    expect(() => headers.set(name, value)).toThrow(TypeError);
    expect(() => headers.append(name, value)).toThrow(TypeError);
    expect([...headers]).toEqual([]);
  }
  expect(() => new LightHeaders({ [name]: value })).toThrow(TypeError);
});

test('passes for Headers', () => {
  expect(new LightHeaders()).toBeInstanceOf(Headers);
});
