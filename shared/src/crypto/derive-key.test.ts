/**
 * Guarantee: each purpose has a key of its own, derived as written down and never otherwise: a change
 * of label or salt would invalidate every issued key and lock every sealed row.
 */

import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { sealAead } from './aead.ts';
import {
  deriveChecksumKey,
  deriveKeyEncryptionKey,
  derivePageTokenKey,
  importMasterSecret,
} from './derive-key.ts';
import { hmacSha256 } from './hmac.ts';

const SECRET = 'golden-vector-secret-0123456789abcdef';
const master = await importMasterSecret(SECRET);
const nonce = new Uint8Array(12);
const parts = { plaintext: encodeUtf8('golden'), associatedData: encodeUtf8('vector'), nonce };

function expectedKey(label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', SECRET, Buffer.alloc(32), label, 32));
}

function expectedSealed(label: string): string {
  const cipher = createCipheriv('aes-256-gcm', expectedKey(label), nonce).setAAD(
    Buffer.from('vector'),
  );
  return Buffer.concat([
    nonce,
    cipher.update('golden'),
    cipher.final(),
    cipher.getAuthTag(),
  ]).toString('hex');
}

describe('golden vectors, and node:crypto by the same labels', () => {
  test('checksum', async () => {
    const mac = encodeHex(await hmacSha256(await deriveChecksumKey(master), encodeUtf8('golden')));
    expect(mac).toBe(
      createHmac('sha256', expectedKey('cardea/api-key-checksum/v1'))
        .update('golden')
        .digest('hex'),
    );
    expect(mac).toBe('2c8d7d1fd771d36604e7ce03352dc81661cf1944c671a4b53cc3aa6a38000e8d');
  });

  test('key encryption', async () => {
    const sealed = encodeHex(await sealAead(await deriveKeyEncryptionKey(master), parts));
    expect(sealed).toBe(expectedSealed('cardea/key-encryption/v1'));
    expect(sealed).toBe('000000000000000000000000601d0ef7661c90316a054f64f41f5429ff0709f6696c');
  });

  test('page token', async () => {
    const sealed = encodeHex(await sealAead(await derivePageTokenKey(master), parts));
    expect(sealed).toBe(expectedSealed('cardea/page-token/v1'));
    expect(sealed).toBe('000000000000000000000000c023f428f984fb59063fb925658d78981ad4642c36d8');
  });
});

test('purposes and secrets never share a key', async () => {
  const outputs = new Set<string>();
  for (const secret of [SECRET, `${SECRET} `, SECRET.toUpperCase()]) {
    const other = await importMasterSecret(secret);
    outputs.add(encodeHex(await sealAead(await deriveKeyEncryptionKey(other), parts)));
    outputs.add(encodeHex(await sealAead(await derivePageTokenKey(other), parts)));
  }
  expect(outputs.size).toBe(6);
});

test('no derived key, nor the master secret, can be exported or used otherwise', async () => {
  for (const derive of [deriveChecksumKey, deriveKeyEncryptionKey, derivePageTokenKey]) {
    const key = await derive(master);
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toMatchObject({
      name: 'InvalidAccessError',
    });
  }
  expect(master.extractable).toBe(false);
  expect((await deriveChecksumKey(master)).usages).toEqual(['sign']);
});
