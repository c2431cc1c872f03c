/** Guarantee: the cache is bounded by count and by bytes, and gives back what was put in or nothing. */

import { describe, expect, test } from 'vitest';
import { type VerifiedToken, VerifiedTokenCache } from './verified-token-cache.ts';

/** Entries are opaque to the cache; only their identity is looked at here. */
const entry = (keysetHash: string) => ({ keysetHash }) as VerifiedToken;
const MIB = 1024 * 1024;

describe('the bounds', () => {
  test('never more texts than allowed', () => {
    const cache = new VerifiedTokenCache({ tokensMax: 100, bytesMax: MIB });
    for (let i = 0; i < 1000; i++) {
      cache.put(`token-${i}`, entry('a'));
      expect(cache.size).toBeLessThanOrEqual(100);
    }
    expect(cache.get('token-999')).toEqual(entry('a'));
    expect(cache.get('token-0')).toBeUndefined();
  });

  test('never more bytes than allowed', () => {
    const cache = new VerifiedTokenCache({ tokensMax: 10_000, bytesMax: MIB });
    const text = 'x'.repeat(8000);
    for (let i = 0; i < 1000; i++) cache.put(`${text}${i}`, entry('a'));
    expect(cache.size * 8000 * 3).toBeLessThanOrEqual(MIB);
    expect(cache.size).toBeGreaterThan(10);
  });

  test('caveats count: a holder can add as many as fit into a text', () => {
    const cache = new VerifiedTokenCache({ tokensMax: 10_000, bytesMax: MIB });
    const caveats = Array.from({ length: 64 }, () => ({
      kind: 'unknown',
      bytes: new Uint8Array(),
    }));
    const narrowed = { ...entry('a'), narrowing: { caveats } } as unknown as VerifiedToken;
    for (let i = 0; i < 1000; i++) cache.put(`token-${i}`, narrowed);
    expect(cache.size * 64 * 256).toBeLessThanOrEqual(MIB);
    expect(cache.size).toBeGreaterThan(10);
  });

  test('what is larger than a generation is not kept', () => {
    const cache = new VerifiedTokenCache({ tokensMax: 10, bytesMax: 10_000 });
    cache.put('x'.repeat(5000), entry('a'));
    expect(cache.size).toBe(0);
  });

  test('putting the same text again replaces it and takes no further room', () => {
    const cache = new VerifiedTokenCache({ tokensMax: 4, bytesMax: MIB });
    cache.put('kept', entry('a'));
    for (let i = 0; i < 100; i++) cache.put('again', entry(String(i)));
    expect(cache.get('kept')).toEqual(entry('a'));
    expect(cache.get('again')).toEqual(entry('99'));
    expect(cache.size).toBe(2);
  });
});

test('what is used stays while others come and go', () => {
  const cache = new VerifiedTokenCache({ tokensMax: 20, bytesMax: MIB });
  cache.put('used', entry('a'));
  cache.put('unused', entry('a'));
  for (let i = 0; i < 100; i++) {
    cache.put(`token-${i}`, entry('b'));
    expect(cache.get('used')).toEqual(entry('a'));
  }
  expect(cache.get('unused')).toBeUndefined();
});

test('texts are exact: a prefix, a longer text or another case is another token', () => {
  const cache = new VerifiedTokenCache();
  cache.put('eyJ.a.b', entry('a'));
  for (const text of ['eyJ.a', 'eyJ.a.b ', 'eyJ.a.B', 'eyJ.a.b=', '', '__proto__']) {
    expect(cache.get(text)).toBeUndefined();
  }
  expect(cache.get('eyJ.a.b')).toEqual(entry('a'));
});
