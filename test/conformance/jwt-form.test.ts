/**
 * Guarantee: a token has one text. Whatever is not canonical compact form of a strict JSON header and
 * a strict JSON payload is refused, although its signature is genuine (RFC 7515 §7.1, RFC 8725 §3).
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { verifyJwt } from '@cardea/shared/jwt/verify';
import { JSON_DEPTH_MAX, TOKEN_BYTES_MAX } from '@cardea/shared/limits';
import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  claimsText,
  claimsWith,
  encodePart,
  forge,
  HEADER,
  signText,
  VERIFICATION,
  validParts,
  withAlteredTrailingBits,
} from './forge.ts';

const [H, P, S] = await validParts();

async function reasonFor(token: string): Promise<string | undefined> {
  const outcome = await verifyJwt(token, VERIFICATION);
  return outcome.ok ? undefined : outcome.refusal.reason;
}

/** A correctly signed token whose text has exactly `length` characters, by a padding claim. */
async function tokenOfLength(length: number): Promise<string> {
  // White space in the header moves the lengths that base64url leaves out (1 modulo 4).
  for (const space of ['', ' ', '  ']) {
    const header = encodePart({ raw: JSON.stringify(HEADER) + space });
    const pad = Math.floor(((length - header.length - S.length) * 3) / 4);
    for (let less = 0; less < 600; less++) {
      const payload = encodePart(claimsWith({ pad: 'x'.repeat(pad - less) }));
      const missing = length - `${header}.${payload}.${S}`.length;
      if (missing === 0) return signText(`${header}.${payload}`);
      if (missing > 0) break;
    }
  }
  throw new Error('no such length');
}

function nested(depth: number): unknown {
  let value: unknown = 'leaf';
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

describe('positive controls', () => {
  test('the token that every case here is made from is accepted', async () => {
    expect(await reasonFor(`${H}.${P}.${S}`)).toBeUndefined();
  });

  test('a token of exactly the longest length is accepted, one longer is refused', async () => {
    const longest = await tokenOfLength(TOKEN_BYTES_MAX);
    expect(longest).toHaveLength(TOKEN_BYTES_MAX);
    expect(await reasonFor(longest)).toBeUndefined();
    expect(await reasonFor(`${longest}A`)).toBe('token_too_large');
  });

  test('claims as deep as the limit are accepted, one deeper are refused', async () => {
    // The payload object is the first level.
    const deepest = claimsWith({ deep: nested(JSON_DEPTH_MAX - 1) });
    expect(await reasonFor(await forge({ payload: deepest }))).toBeUndefined();
    const deeper = claimsWith({ deep: nested(JSON_DEPTH_MAX) });
    expect(await reasonFor(await forge({ payload: deeper }))).toBe('token_malformed');
  });

  test('white space between JSON tokens, escapes and other languages are plain JSON', async () => {
    const raw = JSON.stringify(claimsWith({ team: 'Καρδέα 🚪' }), null, 2).replace(
      'team',
      '\\u0074eam',
    );
    expect(await reasonFor(await forge({ payload: { raw } }))).toBeUndefined();
  });
});

describe('the compact form', () => {
  const TEXTS: ReadonlyArray<readonly [string, string, string]> = [
    ['an empty text', '', 'token_malformed'],
    ['one part', H, 'token_malformed'],
    ['two parts', `${H}.${P}`, 'token_malformed'],
    ['four parts', `${H}.${P}.${S}.${S}`, 'token_malformed'],
    ['the five parts of a JWE', `${H}.${P}.${S}.${P}.${S}`, 'token_malformed'],
    ['a trailing dot', `${H}.${P}.${S}.`, 'token_malformed'],
    ['a leading dot', `.${H}.${P}.${S}`, 'token_malformed'],
    ['dots alone', '..', 'token_malformed'],
    ['no header', `.${P}.${S}`, 'token_malformed'],
    ['no payload (detached content)', `${H}..${S}`, 'token_malformed'],
    ['no signature', `${H}.${P}.`, 'token_malformed'],
    ['a trailing newline', `${H}.${P}.${S}\n`, 'token_malformed'],
    ['a trailing space', `${H}.${P}.${S} `, 'token_malformed'],
    ['a leading space', ` ${H}.${P}.${S}`, 'token_malformed'],
    ['a newline inside the header', `${H.slice(0, 4)}\n${H.slice(4)}.${P}.${S}`, 'token_malformed'],
    ['a tab inside the payload', `${H}.${P.slice(0, 8)}\t${P.slice(8)}.${S}`, 'token_malformed'],
    ['a space inside the signature', `${H}.${P}.${S.slice(0, 9)} ${S.slice(9)}`, 'token_malformed'],
    ['a NUL at the end', `${H}.${P}.${S}\0`, 'token_malformed'],
    ['padding on the header', `${H}=.${P}.${S}`, 'token_malformed'],
    ['padding on the payload', `${H}.${P}==.${S}`, 'token_malformed'],
    ['padding on the signature', `${H}.${P}.${S}==`, 'token_malformed'],
    ['a length that no bytes have', `${H}.${P}.${S}AAA`, 'token_malformed'],
    ['percent-encoding', `${H}%2e${P}.${S}`, 'token_malformed'],
    ['a full-width dot', `${H}．${P}.${S}`, 'token_malformed'],
    ['a letter outside of ASCII', `${H}.${P}.${S.slice(0, -1)}é`, 'token_malformed'],
    ['a lone surrogate', `${H}.${P}.${S.slice(0, -1)}\ud800`, 'token_malformed'],
    ['the Bearer scheme', `Bearer ${H}.${P}.${S}`, 'token_malformed'],
    [
      'altered trailing bits of the signature',
      `${H}.${P}.${withAlteredTrailingBits(S)}`,
      'token_malformed',
    ],
    [
      'JSON serialisation, flattened (RFC 7515 §7.2.2)',
      JSON.stringify({ protected: H, payload: P, signature: S }),
      'token_malformed',
    ],
    [
      'JSON serialisation, general',
      JSON.stringify({ payload: P, signatures: [{ protected: H, signature: S }] }),
      'token_malformed',
    ],
    ['twenty thousand characters', 'A'.repeat(20_000), 'token_too_large'],
    ['8193 dots', '.'.repeat(TOKEN_BYTES_MAX + 1), 'token_too_large'],
  ];

  test.each(TEXTS)('refuses %s', async (_, token, reason) => {
    expect(await reasonFor(token)).toBe(reason);
  });

  test('refuses the other base64 alphabet in every part', async () => {
    // Found by search: a token with both characters, so that the translation changes something.
    for (let i = 0; i < 64; i++) {
      const token = await forge({ payload: claimsWith({ pad: `??>>~~${i}` }) });
      const [header = '', payload = '', signature = ''] = token.split('.');
      if (!/[-_]/.test(payload) || !/[-_]/.test(signature)) continue;
      const standard = (text: string) => text.replaceAll('-', '+').replaceAll('_', '/');
      expect(await reasonFor(token)).toBeUndefined();
      expect(await reasonFor(`${header}.${standard(payload)}.${signature}`)).toBe(
        'token_malformed',
      );
      expect(await reasonFor(`${header}.${payload}.${standard(signature)}`)).toBe(
        'token_malformed',
      );
      return;
    }
    throw new Error('no token with both characters');
  });

  test('refuses altered trailing bits in header and payload, signed as they stand', async () => {
    for (const pad of ['', 'x', 'xx']) {
      const payload = encodePart(claimsWith({ pad }));
      if (payload.length % 4 !== 0) {
        const altered = withAlteredTrailingBits(payload);
        expect(await reasonFor(await signText(`${H}.${altered}`))).toBe('token_malformed');
      }
      const header = encodePart({ raw: `${JSON.stringify(HEADER)}${' '.repeat(pad.length)}` });
      expect(await reasonFor(await signText(`${header}.${P}`))).toBeUndefined();
      if (header.length % 4 !== 0) {
        const altered = withAlteredTrailingBits(header);
        expect(await reasonFor(await signText(`${altered}.${P}`))).toBe('token_malformed');
      }
    }
  });
});

const BROKEN_JSON: ReadonlyArray<readonly [string, Uint8Array]> = [
  ['nothing but a space', encodeUtf8(' ')],
  ['null', encodeUtf8('null')],
  ['a number', encodeUtf8('1790000000')],
  ['a text', encodeUtf8('"claims"')],
  ['an array of one object', encodeUtf8(`[${JSON.stringify(CLAIMS)}]`)],
  ['a truncated object', encodeUtf8(JSON.stringify(CLAIMS).slice(0, -1))],
  ['two objects', encodeUtf8(`${JSON.stringify(CLAIMS)}{}`)],
  ['an object and a NUL', encodeUtf8(`${JSON.stringify(CLAIMS)}\0`)],
  ['a comment', encodeUtf8(`/**/${JSON.stringify(CLAIMS)}`)],
  ['a trailing comma', encodeUtf8(`${JSON.stringify(CLAIMS).slice(0, -1)},}`)],
  ['single quotes', encodeUtf8(JSON.stringify(CLAIMS).replaceAll('"', "'"))],
  ['a byte-order mark', Uint8Array.of(0xef, 0xbb, 0xbf, ...encodeUtf8(JSON.stringify(CLAIMS)))],
  [
    'UTF-16',
    Uint8Array.from(
      JSON.stringify(CLAIMS)
        .split('')
        .flatMap((c) => [c.charCodeAt(0), 0]),
    ),
  ],
  ['an overlong encoding', Uint8Array.of(...encodeUtf8('{"a":"'), 0xc0, 0x80, ...encodeUtf8('"}'))],
  [
    'a CESU surrogate',
    Uint8Array.of(...encodeUtf8('{"a":"'), 0xed, 0xa0, 0x80, ...encodeUtf8('"}')),
  ],
  ['a cut-off UTF-8 sequence', Uint8Array.of(...encodeUtf8('{"a":"'), 0xe2, 0x82, 0x22, 0x7d)],
  ['deflated bytes', Uint8Array.of(0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01)],
];

describe('the JSON inside', () => {
  test.each(BROKEN_JSON)('refuses %s as payload', async (_, bytes) => {
    expect(await reasonFor(await forge({ payload: { bytes } }))).toBe('token_malformed');
  });

  test.each(BROKEN_JSON)('refuses %s as header', async (_, bytes) => {
    expect(await reasonFor(await forge({ header: { bytes } }))).toBe('token_malformed');
  });

  test('refuses a JWT as the payload of a JWT', async () => {
    const payload = { raw: `${H}.${P}.${S}` };
    expect(await reasonFor(await forge({ payload }))).toBe('token_malformed');
  });

  const header = JSON.stringify(HEADER).slice(1);
  const claims = JSON.stringify(CLAIMS).slice(1);
  const DUPLICATES: ReadonlyArray<readonly [string, { header?: string; payload?: string }]> = [
    ['alg first and foreign', { header: `{"alg":"none",${header}` }],
    ['alg twice and equal', { header: `{"alg":"EdDSA",${header}` }],
    ['kid by an escape', { header: `{"\\u006bid":"other",${header}` }],
    ['exp', { payload: `{"exp":1,${claims}` }],
    ['sub, equal', { payload: `{"sub":"${CLAIMS.sub}",${claims}` }],
    ['scp by an escape', { payload: `{"s\\u0063p":["admin"],${claims}` }],
    ['a custom claim', { payload: `{"team":1,"team":1,${claims}` }],
    ['__proto__', { payload: `{"__proto__":1,"__proto__":2,${claims}` }],
    ['deep in metadata', { payload: `{"meta":{"a":[{"b":1,"b":2}]},${claims}` }],
    ['names with a colon and a quote', { payload: `{"a\\":":1,"a\\":":1,${claims}` }],
    ['an empty name', { payload: `{"":1,"":1,${claims}` }],
    ['an index', { payload: `{"x":{"1":1,"1":2},${claims}` }],
  ];

  test.each(DUPLICATES)('refuses a duplicate member: %s', async (_, raw) => {
    const token = await forge({
      ...(raw.header !== undefined && { header: { raw: raw.header } }),
      ...(raw.payload !== undefined && { payload: { raw: raw.payload } }),
    });
    expect(await reasonFor(token)).toBe('token_malformed');
  });

  test('one name at two levels, and colons in texts, are no duplicates', async () => {
    const meta = { sub: 'x', 'a:b': 'c:d', list: [{ sub: 1 }, { sub: 2 }], quote: '":"' };
    expect(await reasonFor(await forge({ payload: claimsWith({ meta }) }))).toBeUndefined();
  });

  test.each([
    ['a number beyond double precision', claimsText('level', '1e400')],
    ['one deep inside', claimsText('meta', '{"a":[-1e999]}')],
    ['an escaped lone surrogate in a text', claimsText('team', '"\\ud800"')],
    ['an escaped lone surrogate in a name', claimsText('meta', '{"\\udfff":1}')],
    ['NaN', claimsText('level', 'NaN')],
    ['hexadecimal', claimsText('level', '0x10')],
  ])('refuses %s', async (_, payload) => {
    expect(await reasonFor(await forge({ payload }))).toBe('token_malformed');
  });

  test('refuses depth bombs of every kind without a stack overflow', async () => {
    for (const open of ['[', '{"a":', '[[{"a":']) {
      const raw = `{"deep":${open.repeat(600)}`;
      expect(await reasonFor(await forge({ payload: { raw } }))).toBe('token_malformed');
    }
  });

  test('no member named __proto__ or constructor lends a claim', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const { exp, ...others } = CLAIMS;
      const raw = `${JSON.stringify(others).slice(0, -1)},"${name}":${JSON.stringify({ exp })}}`;
      expect(await reasonFor(await forge({ payload: { raw } }))).toBe('claims_malformed');
    }
    expect(({} as { exp?: unknown }).exp).toBeUndefined();
  });

  test('a custom claim named __proto__ stays a plain member', async () => {
    const outcome = await verifyJwt(
      await forge({ payload: claimsText('__proto__', '{"polluted":true}') }),
      VERIFICATION,
    );
    if (!outcome.ok) throw new Error(outcome.refusal.reason);
    const { customClaims } = outcome.value;
    expect(Object.getPrototypeOf(customClaims)).toBeNull();
    expect(Object.keys(customClaims)).toEqual(['__proto__']);
    expect('polluted' in customClaims).toBe(false);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test('the base64url helper of these tests agrees with the runtime', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
});
