/** Guarantee: on Node everything is computed by another library, and comes out the same. */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import {
  deriveChecksumKey,
  deriveKeyEncryptionKey,
  importMasterSecret,
} from '@cardea/shared/crypto/derive-key';
import { sha256 } from '@cardea/shared/crypto/digest';
import { hmacSha256, importHmacKey } from '@cardea/shared/crypto/hmac';
import { nativeDigests, useNativeDigests } from '@cardea/shared/crypto/native-digests';
import { randomBytes } from '@cardea/shared/crypto/random';
import { compactVerify, importJWK } from 'jose';
import { expect, test } from 'vitest';
import { generateSigningKey } from '../signing-keys/sealed-signing-key.ts';
import { createTokenSigner, makeJoseSigner } from '../tokens/token-signer.ts';
import { makeNodeSigner, nodeDigests } from './native-crypto.ts';

const MASTER = await importMasterSecret('golden-vector-secret-0123456789abcdef');
const MESSAGES = ['', 'abc', 'a'.repeat(64), 'a'.repeat(65), 'é'.repeat(1000)].map(encodeUtf8);
const RAW_KEYS = [1, 32, 64, 65].map((length) => new Uint8Array(length).fill(length));

async function digestAll(): Promise<string[]> {
  const keys = [
    await deriveChecksumKey(MASTER),
    ...(await Promise.all(RAW_KEYS.map(importHmacKey))),
  ];
  const digests = [
    ...keys.map((key) => (message: (typeof MESSAGES)[0]) => hmacSha256(key, message)),
    sha256,
  ];
  const found = digests.flatMap((digest) => MESSAGES.map((message) => digest(message)));
  return (await Promise.all(found)).map(encodeHex);
}

test('digests are those of WebCrypto, and a key is no less closed', async () => {
  expect(nativeDigests()).toBeUndefined();
  const byWebCrypto = await digestAll();
  useNativeDigests(nodeDigests);
  expect(await digestAll()).toEqual(byWebCrypto);
  expect(new Set(byWebCrypto).size).toBe(byWebCrypto.length);
  expect((await deriveChecksumKey(MASTER)).extractable).toBe(false);
});

test('a key goes on as it was when its raw bytes are overwritten', async () => {
  useNativeDigests(nodeDigests);
  const raw = new Uint8Array(32).fill(7);
  const key = await importHmacKey(raw);
  const [message = raw] = MESSAGES;
  const before = encodeHex(await hmacSha256(key, message));
  raw.fill(0);
  expect(encodeHex(await hmacSha256(key, message))).toBe(before);
});

test.each([
  ['Node', makeNodeSigner],
  ['jose', makeJoseSigner],
])('%s signs tokens that verify, with every algorithm', async (_, makeSigner) => {
  const keyEncryption = [await deriveKeyEncryptionKey(MASTER)] as const;
  const sign = createTokenSigner(keyEncryption, makeSigner);
  for (const algorithm of ['EdDSA', 'ES256', 'RS256'] as const) {
    const wanted = { tenantId: 'a tenant', algorithm };
    const key = await generateSigningKey(wanted, { keyEncryption, randomBytes });
    const publicKey = await importJWK({ ...key.publicJwk }, algorithm);
    for (const claims of [{}, { name: 'é', scp: ['notes:read'] }]) {
      const verified = await compactVerify(await sign(key, claims), publicKey);
      expect(verified.protectedHeader).toEqual({ alg: algorithm, kid: key.kid, typ: 'JWT' });
      expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(claims);
    }
  }
});
