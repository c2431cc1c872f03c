import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { importFeedKeys } from './feed-key.ts';
import { encodeHeadPayload } from './head.ts';
import { verifyHead } from './head-signature.ts';
import {
  entry,
  fixedKey,
  headOf,
  pinned,
  signCompact,
  signHead,
  unsignedHeadOf,
} from './testing/feed-fixture.ts';

const key = await fixedKey(1);
const next = await fixedKey(2);
const foreign = await fixedKey(3);
const feedKeys = await pinned(key, next);
const HEAD = headOf({ tail: [entry(1, 2), entry(3, 4, 5)] });
const SIGNED = await signHead(key, HEAD);
const PAYLOAD = encodeHeadPayload(unsignedHeadOf(HEAD));
const invalid = (rule: string) => refuse('feed_invalid', { rule });

/** Version 1 of the format, never to be edited. Made with jose and the private key of 32 bytes 0x01. */
const GOLDEN_KID = 'UDDReOZl1ipXAfp9wYsm13sDBMK5og--QWdBjzuf6o4';
const GOLDEN_SIGNED = [
  'eyJhbGciOiJFZERTQSIsInR5cCI6ImNhcmRlYS1mZWVkK2p3cyIsImtpZCI6IlVERFJlT1psMWlwWEFmcDl3WXNtMT',
  'NzREJNSzVvZy0tUVdkQmp6dWY2bzQifQ.eyJ2IjoxLCJlbnYiOiJ0ZXN0Iiwic2VxIjoxNzAwMDAwMDAwMDAwLCJpY',
  'XQiOjE3MDAwMDAwMDAsImtleXNldCI6IjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA',
  'wMDAwMDAwMDAwMDAwMDAwMDAwMDAiLCJzZWdtZW50cyI6W10sInRhaWwiOiJBQUFBQVFBQUFBTF9fX19fQUFBQUF3Q',
  'UFBQVFBQUFBRiJ9.vsoJVSz5bQio9ldL9Zs0dMiuUl0QvenI6hRn56tYCGV2Yh3A1jhuWOTOZCnIPh-KCnFrh_RxRZ',
  '_NxMT6ZetQDg',
].join('');

describe('a signed head', () => {
  test('is this text for ever', async () => {
    expect(key.kid).toBe(GOLDEN_KID);
    expect(SIGNED).toBe(GOLDEN_SIGNED);
  });

  test('is accepted under any of the pinned keys', async () => {
    expect(await verifyHead(SIGNED, feedKeys)).toMatchObject({ ok: true, value: HEAD });
    expect(await verifyHead(await signHead(next, HEAD), feedKeys)).toMatchObject({ ok: true });
  });

  test('is refused under a key that is not pinned, even if the header names a pinned one', async () => {
    expect(await verifyHead(await signHead(foreign, HEAD), feedKeys)).toEqual(
      invalid('head_key_unknown'),
    );
    const header = JSON.stringify({ alg: 'EdDSA', typ: 'cardea-feed+jws', kid: key.kid });
    expect(await verifyHead(await signCompact(foreign, PAYLOAD, header), feedKeys)).toEqual(
      invalid('head_signature'),
    );
    expect(await verifyHead(SIGNED, new Map())).toEqual(invalid('head_key_unknown'));
  });

  const header = { alg: 'EdDSA', typ: 'cardea-feed+jws', kid: key.kid };
  test.each([
    ['alg none', { ...header, alg: 'none' }],
    ['alg HS256', { ...header, alg: 'HS256' }],
    ['alg in another case', { ...header, alg: 'eddsa' }],
    ['no alg', { ...header, alg: undefined }],
    ['the typ of a token', { ...header, typ: 'JWT' }],
    ['no typ', { ...header, typ: undefined }],
    ['a kid that is no text', { ...header, kid: 7 }],
    ['a jwk', { ...header, jwk: { kty: 'OKP', crv: 'Ed25519', x: foreign.x } }],
    ['crit', { ...header, crit: ['exp'] }],
    ['b64 false', { ...header, b64: false }],
    ['a list', [header]],
  ])('is refused with %s in the header, though the pinned key signed it', async (_, members) => {
    const signed = await signCompact(key, PAYLOAD, JSON.stringify(members));
    expect(await verifyHead(signed, feedKeys)).toEqual(invalid('head_header'));
  });

  test.each([
    ['white space', ` ${JSON.stringify(header)}`],
    ['a duplicate member', `{"alg":"none",${JSON.stringify(header).slice(1)}`],
    ['an escaped name', JSON.stringify(header).replace('"alg"', '"\\u0061lg"')],
    ['no JSON', 'alg'],
  ])('is refused with %s in the header text', async (_, text) => {
    const signed = await signCompact(key, PAYLOAD, text);
    expect(await verifyHead(signed, feedKeys)).toEqual(invalid('head_header'));
  });

  const [h = '', p = '', s = ''] = SIGNED.split('.');
  test.each([
    ['nothing', ''],
    ['one part', h],
    ['two parts', `${h}.${p}`],
    ['four parts', `${SIGNED}.${s}`],
    ['an empty part more', `${h}..${p}.${s}`],
    ['no header', `.${p}.${s}`],
    ['no signature', `${h}.${p}.`],
    ['a space after it', `${SIGNED} `],
    ['a newline after it', `${SIGNED}\n`],
    ['padding', `${SIGNED}==`],
    ['a space before the payload', `${h}. ${p}.${s}`],
    ['trailing bits of the signature', `${h}.${p}.${s.slice(0, -1)}${s.endsWith('B') ? 'C' : 'B'}`],
    ['JSON serialisation', JSON.stringify({ protected: h, payload: p, signature: s })],
    ['a long header', `${'A'.repeat(513)}.${p}.${s}`],
  ])('is refused if it is not in the one compact form: %s', async (_, text) => {
    expect(await verifyHead(text, feedKeys)).toEqual(invalid('head_not_compact'));
  });

  test('is refused for its length before anything is decoded', async () => {
    const text = `${h}.${'A'.repeat(8 * 1024 * 1024)}.${s}`;
    expect(await verifyHead(text, feedKeys)).toEqual(invalid('head_too_large'));
  });

  test('is refused with any one character changed, at every place', async () => {
    for (let i = 0; i < SIGNED.length; i++) {
      const other = SIGNED[i] === 'A' ? 'B' : 'A';
      const text = SIGNED.slice(0, i) + other + SIGNED.slice(i + 1);
      const outcome = await verifyHead(text, feedKeys);
      expect(outcome.ok ? i : outcome.refusal.reason).toBe('feed_invalid');
    }
  });

  test('is refused if a pinned key signed what is no head', async () => {
    const notUtf8 = `${h}.${encodeBase64url(Uint8Array.of(0xff))}`;
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, encodeUtf8(notUtf8));
    const signed = `${notUtf8}.${encodeBase64url(new Uint8Array(signature))}`;
    expect(await verifyHead(signed, feedKeys)).toEqual(invalid('head_payload'));
    expect(await verifyHead(await signCompact(key, '{}'), feedKeys)).toEqual(
      invalid('head_version'),
    );
  });
});

describe('the pinned keys', () => {
  test.each([
    ['no key', ''],
    ['31 bytes', encodeBase64url(new Uint8Array(31).fill(9))],
    ['33 bytes', encodeBase64url(new Uint8Array(33).fill(9))],
    ['the neutral element, of order 1', encodeBase64url(Uint8Array.of(1, ...new Uint8Array(31)))],
    ['padding', `${key.x}=`],
  ])('are refused as a whole for %s', async (_, x) => {
    const outcome = await importFeedKeys([key.x, x]);
    expect(outcome).toMatchObject({ refusal: { reason: 'verification_key_invalid' } });
  });

  test('are named by the thumbprint of RFC 7638, as in RFC 8037 appendix A.3', async () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    const keys = await importFeedKeys([x]);
    expect(keys.ok ? [...keys.value.keys()] : []).toEqual([
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    ]);
  });
});
