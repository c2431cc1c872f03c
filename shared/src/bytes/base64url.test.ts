/**
 * Guarantee: every byte string has one base64url text, and every other text is refused, whether or not
 * the runtime brings a codec of its own (RFC 4648 §3.5, RFC 7515 §2).
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

type Codec = typeof import('./base64url.ts');

interface Native {
  fromBase64?: unknown;
  readonly prototype: { toBase64?: unknown };
}
const runtime = Uint8Array as unknown as Native;
const own = { fromBase64: runtime.fromBase64, toBase64: runtime.prototype.toBase64 };

function install({ fromBase64, toBase64 }: { fromBase64: unknown; toBase64: unknown }): void {
  const define = (target: object, name: string, value: unknown) =>
    value === undefined
      ? Reflect.deleteProperty(target, name)
      : Object.defineProperty(target, name, { value, configurable: true, writable: true });
  define(runtime, 'fromBase64', fromBase64);
  define(runtime.prototype, 'toBase64', toBase64);
}

/** As the standard has it: skips white space, asks for no padding, loses trailing bits, throws else. */
const lenient = {
  fromBase64(text: string) {
    if (/[^A-Za-z0-9_= \t\n\f\r-]/.test(text)) throw new SyntaxError('not base64url');
    return Uint8Array.from(Buffer.from(text, 'base64url'));
  },
  toBase64(this: Uint8Array) {
    return Buffer.from(this).toString('base64url');
  },
};

/** 192 zero bytes: what is put behind them is long enough for a native codec. */
const LONG = 'A'.repeat(256);

const PATHS = [
  ['the table', { fromBase64: undefined, toBase64: undefined }],
  ['a native codec', lenient],
] as const;

describe.each(PATHS)('by %s', (_, codecOfRuntime) => {
  let codec: Codec;
  beforeAll(async () => {
    install(codecOfRuntime);
    vi.resetModules();
    codec = await import('./base64url.ts');
  });
  afterAll(() => install(own));

  test.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
    ['\xfb\xff\xfe', '-__-'],
  ])('RFC 4648 §10: %j is %s', (latin1, text) => {
    const bytes = Uint8Array.from(Buffer.from(latin1, 'latin1'));
    expect(codec.encodeBase64url(bytes)).toBe(text);
    expect(codec.decodeBase64url(text)).toEqual(bytes);
    expect(codec.decodeBase64url(LONG + text)).toEqual(
      Uint8Array.of(...new Uint8Array(192), ...bytes),
    );
  });

  test.each([254, 255, 256, 257, 258, 259, 70_000, 70_001, 70_002])(
    '%i bytes are what Buffer writes',
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + (i >> 8)) & 255);
      const text = codec.encodeBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(codec.decodeBase64url(text)).toEqual(bytes);
    },
  );

  test('every byte string comes back, and Buffer writes the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const text = codec.encodeBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(codec.decodeBase64url(text)).toEqual(bytes);
      }),
    );
  });

  test('a text is read if and only if it is what its bytes are written as', () => {
    const unit = fc.constantFrom(...'ABCDwxyz0189-_+/= \n\0é.');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 9 }), (text) => {
        const isCanonical = Buffer.from(text, 'base64url').toString('base64url') === text;
        expect(codec.decodeBase64url(text) !== undefined).toBe(isCanonical);
        expect(codec.decodeBase64url(LONG + text) !== undefined).toBe(isCanonical);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['padding', 'Zg=='],
    ['padding of one', 'Zm8='],
    ['padding alone', '='],
    ['padding on a whole group', 'Zm9v='],
    ['trailing bits of two characters', 'Zh'],
    ['trailing bits of three characters', 'Zm9'],
    ['one character', 'Z'],
    ['five characters', 'Zm9vY'],
    ['a space in front', ' Zm9v'],
    ['a newline at the end', 'Zm9v\n'],
    ['a carriage return inside', 'Zm\r9v'],
    ['a tab', 'Zm\t9v'],
    ['a form feed', 'Zm9v\f'],
    ['a NUL', 'Zm9v\0'],
    ['plus', 'Zm9+'],
    ['slash', 'Zm9/'],
    ['a dot', 'Zm.9v'],
    ['a letter outside of ASCII', 'Zm9é'],
    ['a look-alike', 'Zm9а'],
    ['a lone surrogate', 'Zm9\ud800'],
  ])('refuses %s', (_name, text) => {
    expect(codec.decodeBase64url(text)).toBeUndefined();
    expect(codec.decodeBase64url(LONG + text)).toBeUndefined();
  });

  test('all 64 endings of two and of three characters: one in 16, one in 4', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const accepted = (stem: string) =>
      [...alphabet].filter((last) => codec.decodeBase64url(stem + last) !== undefined).join('');
    expect(accepted('A')).toBe('AQgw');
    expect(accepted('AA')).toBe('AEIMQUYcgkosw048');
    expect(accepted('AAA')).toBe(alphabet);
  });
});
