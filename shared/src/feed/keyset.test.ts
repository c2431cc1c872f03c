import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { encodeKeyset, type KeysetKey, notAfterOfKeys, parseKeyset } from './keyset.ts';
import { objectHash } from './object-hash.ts';
import { scopeIdOfSigningKey } from './scope-id.ts';
import { fixedKey, keysetKeyOf } from './testing/feed-fixture.ts';
import { edgeWithOtherSecret, otherEdge, sealedKeyOf } from './testing/sealed-key-fixture.ts';

const first = keysetKeyOf(await fixedKey(1));
const second = keysetKeyOf(await fixedKey(2), {
  state: 'retiring',
  notBeforeSeconds: unixSeconds(1_700_000_000),
  notAfterSeconds: unixSeconds(1_700_086_400),
});
const BYTES = encodeKeyset([first, second]);
const TEXT = decodeUtf8(BYTES) ?? '';
const HASH = await objectHash(BYTES);

const one = await sealedKeyOf({ kid: 'mk-1' });
const sealed = [
  one,
  await sealedKeyOf({ kid: 'mk-2' }),
  await sealedKeyOf({ kid: 'mk-1' }, otherEdge),
];

/** Parses `text` under its own hash: so the refusal is about the content. */
async function parseText(text: string) {
  const bytes = encodeUtf8(text);
  return parseKeyset(bytes, await objectHash(bytes));
}

const document = (changes: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(TEXT), ...changes });

const withKey = (changes: Record<string, unknown>) =>
  document({ keys: [{ ...JSON.parse(TEXT).keys[0], ...changes }] });

describe('its publisher reads', () => {
  test('the end of each key', () => {
    const ends = [first, second].map(({ kid, notAfterSeconds }) => [kid, notAfterSeconds]);
    expect([...notAfterOfKeys(TEXT)].sort()).toEqual(ends.sort());
    expect(notAfterOfKeys(document({ keys: [] })).size).toBe(0);
  });

  test.each([
    ['no JSON', ''],
    ['no keys', '{"v":1}'],
    ['a key without its end', withKey({ exp: undefined })],
  ])('nothing of a text that it has not made: %s', (_, text) => {
    expect(() => notAfterOfKeys(text)).toThrow(TypeError);
  });
});

describe('a keyset', () => {
  test('is the same bytes for the same keys in any order', () => {
    expect(encodeKeyset([second, first])).toEqual(BYTES);
  });

  test('is this text for ever', () => {
    expect(decodeUtf8(encodeKeyset([first]))).toBe(
      '{"v":1,"keys":[{"nid":"7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39",' +
        '"iss":"https://issuer.test","aud":"https://api.test","alg":"EdDSA",' +
        '"kid":"UDDReOZl1ipXAfp9wYsm13sDBMK5og--QWdBjzuf6o4","state":"active",' +
        '"nbf":0,"exp":4000000000,"jwk":{"kty":"OKP","crv":"Ed25519",' +
        '"x":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"}}],"sealed":[]}',
    );
  });

  test('gives every key with what it is bound to and the scope id of its kid', async () => {
    const keyset = await parseKeyset(BYTES, HASH);
    const keys = keyset.ok ? keyset.value.jwtKeys : new Map();
    expect([...keys.keys()].sort()).toEqual([first.kid, second.kid].sort());
    const key = keys.get(second.kid);
    expect(key).toMatchObject({
      ...{ kid: second.kid, tenantId: second.tenantId, issuer: second.issuer },
      ...{ audience: second.audience, algorithm: 'EdDSA', state: 'retiring' },
      ...{ notBeforeSeconds: 1_700_000_000, notAfterSeconds: 1_700_086_400 },
      scopeId: await scopeIdOfSigningKey(second.kid),
    });
  });

  test('may be empty, and may have members that this version does not know', async () => {
    expect(await parseText(document({ keys: [] }))).toMatchObject({ ok: true });
    expect(await parseText(withKey({ later: 1 }))).toMatchObject({ ok: true });
  });

  test('never carries a private member, whatever the publisher hands over', async () => {
    const { privateKey } = await fixedKey(1);
    const jwk = await crypto.subtle.exportKey('jwk', privateKey);
    expect(typeof jwk.d).toBe('string');
    expect(decodeUtf8(encodeKeyset([{ ...first, jwk }]))).toBe(decodeUtf8(encodeKeyset([first])));
  });

  test.each([
    ['an unknown kind of key', { jwk: { kty: 'oct' } }],
    ['no kind of key', { jwk: {} }],
    ['a key without its coordinate', { jwk: { kty: 'OKP', crv: 'Ed25519' } }],
  ])('with %s is never written', (_, changes: Partial<KeysetKey>) => {
    expect(() => encodeKeyset([{ ...first, ...changes }])).toThrow(TypeError);
  });
});

describe('a keyset is refused', () => {
  test('under another hash, and with any one byte changed, at every place', async () => {
    expect(await parseKeyset(BYTES, '0'.repeat(64))).toEqual(
      refuse('feed_invalid', { rule: 'keyset_hash' }),
    );
    for (let i = 0; i < BYTES.length; i++) {
      const bytes = Uint8Array.from(BYTES);
      bytes[i] = (bytes[i] ?? 0) ^ 1;
      expect(await parseKeyset(bytes, HASH)).toEqual(
        refuse('feed_invalid', { rule: 'keyset_hash' }),
      );
    }
  });

  test('for its length', async () => {
    const bytes = new Uint8Array(1024 * 1024 + 1);
    expect(await parseKeyset(bytes, await objectHash(bytes))).toEqual(
      refuse('feed_invalid', { rule: 'keyset_too_large' }),
    );
  });

  test.each([{ v: 2 }, { v: undefined }])('for another version: %j', async (changes) => {
    expect(await parseText(document(changes))).toEqual(
      refuse('feed_invalid', { rule: 'keyset_version' }),
    );
  });

  test.each([
    ['no JSON', TEXT.slice(1)],
    ['a duplicate member', TEXT.replace('{"v":1', '{"v":1,"v":1')],
    ['no keys', document({ keys: undefined })],
    ['keys as an object', document({ keys: {} })],
    ['no list of sealed keys', document({ sealed: undefined })],
  ])('for %s', async (_, text) => {
    expect(await parseText(text)).toEqual(refuse('feed_invalid', { rule: 'keyset_payload' }));
  });

  const jwk = first.jwk;
  test.each([
    ['no tenant', { nid: undefined }],
    ['a tenant that is no UUID', { nid: 'default' }],
    ['no issuer', { iss: undefined }],
    ['an empty issuer', { iss: '' }],
    ['an audience list', { aud: ['a'] }],
    ['no kid', { kid: undefined }],
    ['an empty kid', { kid: '' }],
    ['a long kid', { kid: 'k'.repeat(129) }],
    ['an unknown state', { state: 'retired' }],
    ['no not-before', { nbf: undefined }],
    ['a not-after as text', { exp: '4000000000' }],
    ['a life that ends before it begins', { nbf: 10, exp: 10 }],
    ['another algorithm than the key has', { alg: 'ES256' }],
    ['an unknown algorithm', { alg: 'HS256' }],
    ['no key', { jwk: undefined }],
    ['a private key', { jwk: { ...jwk, d: jwk.x } }],
    ['a symmetric key', { jwk: { kty: 'oct', k: jwk.x } }],
    ['a key of small order', { jwk: { ...jwk, x: `AQ${'A'.repeat(41)}` } }],
    ['a truncated key', { jwk: { ...jwk, x: 'AQ' } }],
    ['a kind of key named like a member of Object', { jwk: { kty: 'constructor' } }],
  ])('as a whole for one key with %s', async (_, changes) => {
    expect(await parseText(withKey(changes))).toEqual(
      refuse('feed_invalid', { rule: 'keyset_key' }),
    );
  });

  test('for two keys of one kid, and for a key that is no object', async () => {
    const [key] = JSON.parse(TEXT).keys;
    for (const keys of [[key, key], [null], ['key']]) {
      expect(await parseText(document({ keys }))).toEqual(
        refuse('feed_invalid', { rule: 'keyset_key' }),
      );
    }
  });
});

describe('sealed keys of a keyset', () => {
  const bytes = encodeKeyset([first], sealed);

  test('are read as they were written, those of every edge, in one order', async () => {
    const keyset = await parseKeyset(bytes, await objectHash(bytes));
    expect(encodeKeyset([first], [...sealed].reverse())).toEqual(bytes);
    const read = keyset.ok ? keyset.value.sealedKeys : [];
    expect(read).toHaveLength(3);
    expect(read).toEqual(expect.arrayContaining(sealed));
  });

  test('are this text for ever', () => {
    expect(decodeUtf8(encodeKeyset([], [one]))).toBe(
      '{"v":1,"keys":[],"sealed":[{"edge":"edge-1",' +
        '"nid":"7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39","iss":"https://issuer.test",' +
        '"aud":"https://api.test","kid":"mk-1","nbf":0,"exp":4000000000,' +
        '"box":"fa9rQQS7zgGL7JXydS3hG1fh52NQtPNYRZZP7SkJoBtzErMaNFYVEns2sgPF8nKYMmU_bScYLA16K1ci"}]}',
    );
  });

  const withSealed = async (...items: unknown[]) => parseText(document({ sealed: items }));
  const item = JSON.parse(decodeUtf8(encodeKeyset([], [one])) ?? '').sealed[0];
  const refusal = refuse('feed_invalid', { rule: 'keyset_sealed_key' });

  test('may come twice for one edge, under two secrets', async () => {
    const other = await sealedKeyOf({ kid: 'mk-1' }, edgeWithOtherSecret);
    const both = encodeKeyset([first], [one, other]);
    expect(await parseKeyset(both, await objectHash(both))).toMatchObject({
      value: { sealedKeys: expect.arrayContaining([one, other]) },
    });
  });

  test.each([
    ['no edge', { edge: undefined }],
    ['an empty edge', { edge: '' }],
    ['a name that no edge can have', { edge: 'a/b' }],
    ['a long name of an edge', { edge: 'e'.repeat(65) }],
    ['a tenant that is no UUID', { nid: 'default' }],
    ['no issuer', { iss: '' }],
    ['a list of audiences', { aud: ['https://api.test'] }],
    ['no kid', { kid: undefined }],
    ['a long kid', { kid: 'k'.repeat(129) }],
    ['a not-before as text', { nbf: '0' }],
    ['a negative not-before', { nbf: -1 }],
    ['a fraction for a not-after', { exp: 1.5 }],
    ['a life that ends before it begins', { nbf: 10, exp: 10 }],
    ['no box', { box: undefined }],
    ['a short box', { box: item.box.slice(0, -4) }],
    ['a long box', { box: `${item.box}AAAA` }],
    ['a padded box', { box: `${item.box}=` }],
  ])('are refused with the whole keyset for one with %s', async (_, changes) => {
    expect(await withSealed(item)).toMatchObject({ ok: true });
    expect(await withSealed(item, { ...item, ...changes })).toEqual(refusal);
  });

  test('are refused for the same item twice and for one that is no object', async () => {
    expect(await withSealed(item, item)).toEqual(refusal);
    expect(await withSealed(null)).toEqual(refusal);
    expect(await withSealed([item])).toEqual(refusal);
    expect(await withSealed(item, { ...item, later: 1 })).toEqual(refusal);
    expect(await withSealed({ ...item, later: 1 })).toMatchObject({ ok: true });
  });
});
