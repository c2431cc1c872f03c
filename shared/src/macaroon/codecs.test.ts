/** Guarantee: a macaroon has one binary form; the other forms are read strictly and say the same. */

import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/framing.ts';
import { encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { addThirdPartyCaveat } from './attenuate.ts';
import { encodeMacaroonJson, parseMacaroonJson } from './codec-json.ts';
import { parseMacaroonV1 } from './codec-v1.ts';
import { encodeMacaroon, parseMacaroon } from './codec-v2.ts';
import type { Macaroon } from './macaroon.ts';
import { mintMacaroon } from './mint.ts';

const made = addThirdPartyCaveat(
  mintMacaroon({
    ...{ rootKey: encodeUtf8('k'), location: 'here', identifier: 'id' },
    firstPartyCaveats: ['a', 'ü'],
  }),
  {
    ...{ location: 'there', identifier: encodeUtf8('p'), caveatKey: encodeUtf8('q') },
    nonce: new Uint8Array(24).fill(0xfb),
  },
);
if (!made.ok) throw new Error(made.refusal.reason);
const MACAROON: Macaroon = made.value;
const accepted = { ok: true, value: MACAROON };
const sealedKey = MACAROON.caveats.flatMap((each) =>
  'sealedKey' in each ? [each.sealedKey] : [],
)[0];
const bytes = encodeMacaroon(MACAROON);

const malformed = (part: string) => refuse('macaroon_malformed', { part });

describe('version 2, binary', () => {
  const section = (...fields: ReadonlyArray<readonly [type: number, text: string]>) =>
    concatBytes(
      ...fields.map(([type, text]) =>
        concatBytes(Uint8Array.of(type, text.length), encodeUtf8(text)),
      ),
      Uint8Array.of(0),
    );
  const signed = (...parts: Uint8Array[]) =>
    concatBytes(Uint8Array.of(2), ...parts, Uint8Array.of(0, 6, 32), new Uint8Array(32));

  test('positive control', () => {
    expect(parseMacaroon(bytes)).toEqual(accepted);
    expect(parseMacaroon(signed(section([2, '']), section([2, ''])))).toMatchObject({ ok: true });
    expect(parseMacaroon(signed(section([1, ''], [2, ''])))).toMatchObject({
      value: { location: '' },
    });
  });

  test.each([
    [
      'a location of a first-party caveat',
      signed(section([2, 'i']), section([1, 'l'], [2, 'a'])),
      'caveat',
    ],
    ['a caveat without identifier', signed(section([2, 'i']), section([4, 'v'])), 'caveat'],
    [
      'a caveat with fields out of order',
      signed(section([2, 'i']), section([4, 'v'], [2, 'a'])),
      'caveat',
    ],
    [
      'a caveat with an unknown field',
      signed(section([2, 'i']), section([2, 'a'], [3, 'x'])),
      'caveat',
    ],
    [
      'a location that is not UTF-8',
      concatBytes(Uint8Array.of(2, 1, 1, 0xff, 2, 0, 0, 0, 6, 32), new Uint8Array(32)),
      'header',
    ],
    ['no identifier', signed(section([1, 'l'])), 'header'],
    ['a sealed key in the header', signed(section([2, 'i'], [4, 'v'])), 'header'],
    [
      'an identifier of two lengths',
      concatBytes(Uint8Array.of(2, 2, 0x81, 0x00, 0x61, 0, 0, 6, 32), new Uint8Array(32)),
      'header',
    ],
    [
      'a length of three bytes',
      concatBytes(Uint8Array.of(2, 2, 0x81, 0x80, 0x01, 0x61, 0, 0, 6, 32), new Uint8Array(32)),
      'header',
    ],
    [
      'no end of the caveats',
      concatBytes(Uint8Array.of(2), section([2, 'i']), Uint8Array.of(6, 32), new Uint8Array(32)),
      'caveat',
    ],
    [
      '65 caveats',
      signed(section([2, 'i']), ...Array.from({ length: 65 }, () => section([2, 'a']))),
      'caveats',
    ],
    ['8,193 bytes', concatBytes(signed(section([2, 'i'])), new Uint8Array(8193 - 40)), 'size'],
    ['nothing at all', new Uint8Array(), 'version'],
  ])('refuses %s', (_, form, part) => {
    expect(parseMacaroon(form)).toEqual(malformed(part));
  });

  test('64 caveats and 8,192 bytes are read', () => {
    const caveats = Array.from({ length: 64 }, (_, i) => section([2, String(i)]));
    expect(parseMacaroon(signed(section([2, 'i']), ...caveats))).toMatchObject({ ok: true });
    const identifier = new Uint8Array(8192 - 40);
    const largest = encodeMacaroon({ identifier, caveats: [], signature: new Uint8Array(32) });
    expect(largest).toHaveLength(8192);
    expect(parseMacaroon(largest).ok).toBe(true);
  });
});

describe('version 1, binary', () => {
  const packet = (name: string, value: string | Uint8Array) => {
    const body = concatBytes(
      encodeUtf8(`${name} `),
      typeof value === 'string' ? encodeUtf8(value) : value,
      encodeUtf8('\n'),
    );
    return concatBytes(encodeUtf8((body.length + 4).toString(16).padStart(4, '0')), body);
  };
  const vid = sealedKey ?? new Uint8Array();
  const head = [packet('location', 'here'), packet('identifier', 'id')];
  const caveats = [
    packet('cid', 'a'),
    packet('cid', 'ü'),
    packet('cid', 'p'),
    packet('vid', vid),
    packet('cl', 'there'),
  ];
  const end = packet('signature', MACAROON.signature);
  const form = concatBytes(...head, ...caveats, end);

  test('positive control', () => expect(parseMacaroonV1(form)).toEqual(accepted));

  test.each([
    ['nothing', new Uint8Array(), 'header'],
    ['version 2', bytes, 'header'],
    ['no location', concatBytes(packet('identifier', 'id'), end), 'header'],
    [
      'another order',
      concatBytes(packet('identifier', 'id'), packet('location', 'here'), end),
      'header',
    ],
    [
      'a location that is not UTF-8',
      concatBytes(packet('location', Uint8Array.of(0xff)), end),
      'header',
    ],
    [
      'a sealed key without place',
      concatBytes(...head, packet('cid', 'p'), packet('vid', vid), end),
      'caveat',
    ],
    [
      'a place without sealed key',
      concatBytes(...head, packet('cid', 'p'), packet('cl', 'x'), end),
      'caveat',
    ],
    [
      'a sealed key without caveat',
      concatBytes(...head, packet('vid', vid), packet('cl', 'x'), end),
      'signature',
    ],
    ['no signature', concatBytes(...head), 'signature'],
    [
      'a short signature',
      concatBytes(...head, packet('signature', new Uint8Array(31))),
      'signature',
    ],
    [
      'a long signature',
      concatBytes(...head, packet('signature', new Uint8Array(33))),
      'signature',
    ],
    ['something behind it', concatBytes(form, Uint8Array.of(0)), 'trailing_bytes'],
    ['a second signature', concatBytes(form, end), 'trailing_bytes'],
    [
      '65 caveats',
      concatBytes(...head, ...Array.from({ length: 65 }, () => packet('cid', 'a')), end),
      'caveats',
    ],
    ['too many bytes', concatBytes(form, new Uint8Array(8192)), 'size'],
    ['upper-case digits', encodeUtf8(`000Flocation x\n`), 'header'],
    ['a length that runs out', encodeUtf8(`00fflocation x\n`), 'header'],
    ['a length too short', encodeUtf8(`0004location x\n`), 'header'],
  ])('refuses %s', (_, altered, part) => {
    expect(parseMacaroonV1(altered)).toEqual(malformed(part));
  });
});

describe('JSON', () => {
  const v64 = encodeBase64url(sealedKey ?? new Uint8Array());
  const s64 = encodeBase64url(MACAROON.signature);
  const c = [{ i: 'a' }, { i64: 'w7w' }, { i: 'p', v64, l: 'there' }];
  const V2 = { v: 2, l: 'here', i: 'id', c, s64 };
  const V1 = {
    ...{ location: 'here', identifier: 'id', signature: encodeHex(MACAROON.signature) },
    caveats: [{ cid: 'a' }, { cid: 'ü' }, { cid: 'p', vid: v64, cl: 'there' }],
  };
  const standard = (text: string) => {
    const other = text.replaceAll('-', '+').replaceAll('_', '/');
    return other + '='.repeat((4 - (text.length % 4)) % 4);
  };

  test('positive control: both versions, either alphabet, and what is written is read', () => {
    const padded = {
      ...V2,
      c: [c[0], { i64: 'w7w=' }, { ...c[2], v64: standard(v64) }],
      s64: standard(s64),
    };
    for (const json of [V2, V1, padded, { ...V2, v: undefined }]) {
      expect(parseMacaroonJson(JSON.stringify(json))).toEqual(accepted);
    }
    expect(parseMacaroonJson(encodeMacaroonJson(MACAROON))).toEqual(accepted);
    const bare: Macaroon = {
      identifier: Uint8Array.of(0xff),
      caveats: [],
      signature: MACAROON.signature,
    };
    expect(parseMacaroonJson(encodeMacaroonJson(bare))).toEqual({ ok: true, value: bare });
  });

  test.each([
    ['no object', []],
    ['another version', { ...V2, v: 3 }],
    ['a version as text', { ...V2, v: '2' }],
    ['an unknown member', { ...V2, x: 1 }],
    ['an unknown member of a caveat', { ...V2, c: [{ i: 'a', x: 1 }] }],
    ['an identifier twice', { ...V2, i64: 'aWQ' }],
    ['no identifier', { ...V2, i: undefined }],
    ['an identifier that is no text', { ...V2, i: 1 }],
    ['a location that is no text', { ...V2, l: null }],
    ['a short signature', { ...V2, s64: s64.slice(0, 42) }],
    ['two signatures', { ...V2, s: 'x'.repeat(32) }],
    ['caveats that are no list', { ...V2, c: {} }],
    ['a caveat that is no object', { ...V2, c: ['a'] }],
    ['a caveat without identifier', { ...V2, c: [{ v64 }] }],
    ['a sealed key twice', { ...V2, c: [{ i: 'p', v: 'x', v64 }] }],
    ['a place without sealed key', { ...V2, c: [{ i: 'p', l: 'x' }] }],
    ['a place that is no text', { ...V2, c: [{ i: 'p', v64, l: 1 }] }],
    ['both alphabets at once', { ...V2, i: undefined, i64: '-_+/' }],
    ['wrong padding', { ...V2, i: undefined, i64: 'aWQ==' }],
    ['trailing bits', { ...V2, i: undefined, i64: 'aWR' }],
    ['65 caveats', { ...V2, c: Array.from({ length: 65 }, () => ({ i: 'a' })) }],
    ['members of both versions', { ...V1, v: 2 }],
    ['a signature of version 1 in base64', { ...V1, signature: s64 }],
    ['a caveat of version 1 with an unknown member', { ...V1, caveats: [{ cid: 'a', i: 'a' }] }],
  ])('refuses %s', (_, json) => {
    expect(parseMacaroonJson(JSON.stringify(json))).toEqual(malformed('json'));
  });

  test.each([
    ['what is no JSON', '{'],
    ['a member twice', `{"i":"id",${JSON.stringify(V2).slice(1)}`],
    ['what is too long', JSON.stringify({ ...V2, i: 'x'.repeat(30_000) })],
  ])('refuses %s', (_, text) => {
    expect(parseMacaroonJson(text)).toEqual(malformed('json'));
  });
});
