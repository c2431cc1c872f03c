/** Makes the secrets of one deployment. Random from the operating system; writes nothing. */

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';

export interface FreshSecrets {
  /** 256 bits, base64url. */
  readonly cardeaSecret: string;
  /** The bootstrap admin token. The control plane gets only its hash. */
  readonly adminToken: string;
  /** Private Ed25519 JWK (RFC 8037 §2) as JSON text. */
  readonly feedSigningKey: string;
  /** The public half: base64url of 32 bytes. */
  readonly feedPublicKey: string;
}

export function makeFreshSecrets(): FreshSecrets {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { crv, d, kty, x } = privateKey.export({ format: 'jwk' });
  if (typeof x !== 'string') throw new Error('Node exported an Ed25519 key without x');
  return {
    cardeaSecret: randomBytes(32).toString('base64url'),
    // The prefix lets scanners for leaked secrets recognise it.
    adminToken: `cardea_admin_${randomBytes(32).toString('base64url')}`,
    feedSigningKey: JSON.stringify({ kty, crv, x, d }),
    feedPublicKey: x,
  };
}

/** What the control plane stores of the admin token: lowercase hexadecimal SHA-256. */
export function hashAdminToken(adminToken: string): string {
  return createHash('sha256').update(adminToken, 'utf8').digest('hex');
}
