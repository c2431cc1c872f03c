/** Guarantee: what was sealed opens under its own key and associated data only, and unchanged only. */

import { describe, expect, test } from 'vitest';
import { frame } from '../bytes/framing.ts';
import { decodeHex, encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { importAeadKey, openAead, sealAead } from './aead.ts';

async function importAes(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return importAeadKey(raw, ['encrypt', 'decrypt']);
}

const key = await importAes(new Uint8Array(32).fill(7));
const nonce = new Uint8Array(12).fill(9);
const associatedData = frame('signing-key', 'kid-1');
const plaintext = encodeUtf8('a private key');
const sealed = await sealAead(key, { plaintext, associatedData, nonce });

test('positive control: it opens, and the nonce stands in front', async () => {
  expect(await openAead(key, sealed, associatedData)).toEqual(plaintext);
  expect(sealed.slice(0, 12)).toEqual(nonce);
  expect(sealed).toHaveLength(12 + plaintext.length + 16);
});

test('golden vector: AES-256-GCM test case 14 (all zero key, nonce and block)', async () => {
  const zero = await importAes(new Uint8Array(32));
  const parts = {
    plaintext: new Uint8Array(16),
    associatedData: new Uint8Array(),
    nonce: new Uint8Array(12),
  };
  expect(encodeHex(await sealAead(zero, parts))).toBe(
    '000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  );
});

describe('refuses', () => {
  test('every single flipped bit: nonce, ciphertext and tag', async () => {
    for (let i = 0; i < sealed.length * 8; i++) {
      const altered = Uint8Array.from(sealed);
      altered[i >> 3] = (altered[i >> 3] ?? 0) ^ (1 << (i & 7));
      expect(await openAead(key, altered, associatedData)).toBeUndefined();
    }
  });

  test('every shorter text, and one byte more', async () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(await openAead(key, sealed.slice(0, length), associatedData)).toBeUndefined();
    }
    expect(await openAead(key, Uint8Array.of(...sealed, 0), associatedData)).toBeUndefined();
  });

  test('other associated data and another key', async () => {
    for (const other of [
      frame('signing-key', 'kid-2'),
      frame('signing-keyk', 'id-1'),
      new Uint8Array(),
    ]) {
      expect(await openAead(key, sealed, other)).toBeUndefined();
    }
    const otherKey = await importAes(new Uint8Array(32).fill(8));
    expect(await openAead(otherKey, sealed, associatedData)).toBeUndefined();
  });
});

test('a key that may not decrypt is a bug and throws: it is not taken for a forgery', async () => {
  const sealingOnly = await crypto.subtle.importKey(
    'raw',
    decodeHex('00'.repeat(32)) ?? nonce,
    'AES-GCM',
    false,
    ['encrypt'],
  );
  await expect(openAead(sealingOnly, sealed, associatedData)).rejects.toMatchObject({
    name: 'InvalidAccessError',
  });
});

test('a key has 32 bytes, cannot be taken out again, and may do only what it was imported for', async () => {
  for (const length of [0, 16, 24, 31, 33]) {
    await expect(importAeadKey(new Uint8Array(length), ['decrypt'])).rejects.toThrow(TypeError);
  }
  const opening = await importAeadKey(new Uint8Array(32), ['decrypt']);
  expect(opening).toMatchObject({ extractable: false, usages: ['decrypt'] });
});
