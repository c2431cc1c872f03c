import { deriveKeyEncryptionKey, importMasterSecret } from '@cardea/shared/crypto/derive-key';
import { randomBytes } from '@cardea/shared/crypto/random';
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { SealUnreadable } from '../seal-unreadable.ts';
import { generateSigningKey, openSigningKey } from './sealed-signing-key.ts';

const ring = async (...secrets: string[]) => {
  const derive = async (secret: string) => deriveKeyEncryptionKey(await importMasterSecret(secret));
  return Promise.all(secrets.map(derive)) as Promise<[Awaited<ReturnType<typeof derive>>]>;
};

const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(32);
const TENANT = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';

const generate = async (algorithm: 'EdDSA' | 'ES256' | 'RS256' = 'EdDSA') =>
  generateSigningKey(
    { tenantId: TENANT, algorithm },
    { keyEncryption: await ring(OLD), randomBytes },
  );

describe.each(['EdDSA', 'ES256', 'RS256'] as const)('a key of %s', (algorithm) => {
  test('signs what its public half verifies, and is called by its thumbprint', async () => {
    const key = await generate(algorithm);
    const signing = await importJWK(await openSigningKey(key, await ring(OLD)), algorithm);
    const jws = await new CompactSign(new Uint8Array(3))
      .setProtectedHeader({ alg: algorithm })
      .sign(signing);
    await compactVerify(jws, await importJWK({ ...key.publicJwk }, algorithm));
    expect(key.kid).toBe(await calculateJwkThumbprint(key.publicJwk as never));
  });
});

describe('a sealed key', () => {
  test('opens under a retired master secret', async () => {
    await expect(openSigningKey(await generate(), await ring(NEW, OLD))).resolves.toBeDefined();
  });

  test.each([
    ['under another master secret', NEW, {}],
    ['in the row of another tenant', OLD, { tenantId: TENANT.replace('7', '8') }],
    ['in the row of another key', OLD, { kid: 'x'.repeat(43) }],
    ['once it is erased', OLD, { sealedPrivateJwk: '' }],
    ['when it is not base64url', OLD, { sealedPrivateJwk: '+++' }],
  ])('does not open %s', async (_, secret, changes) => {
    const key = { ...(await generate()), ...changes };
    await expect(openSigningKey(key, await ring(secret))).rejects.toBeInstanceOf(SealUnreadable);
  });

  test('shows nothing of the private half', async () => {
    const key = await generate();
    expect(JSON.stringify(key)).not.toContain('"d"');
    expect(atob(key.sealedPrivateJwk.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain(
      'kty',
    );
  });
});
