/** Signing keys of the simulation: the same in every run, made once, because making keys is slow. */

import { createPrivateKey, sign as signNow } from 'node:crypto';
import type { NewSigningKey } from '@cardea/control-plane/signing-keys/signing-key';
import type { SignToken } from '@cardea/control-plane/tokens/token-signer';
import { fixedKey } from '@cardea/shared/feed/testing/feed-fixture';

interface PooledKey extends Omit<NewSigningKey, 'tenantId'> {
  readonly sign: (payload: string) => string;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** More than a run uses up. */
const POOL_SIZE = 24;

async function makeKey(fill: number): Promise<PooledKey> {
  const { kid, privateKey } = await fixedKey(fill);
  const jwk = await crypto.subtle.exportKey('jwk', privateKey);
  const { kty = '', crv = '', x = '', d = '' } = jwk;
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
  const start = encode(JSON.stringify({ alg: 'EdDSA', kid, typ: 'JWT' }));
  // At once: a signature by another thread would come when it likes.
  const sign = (payload: string) => {
    const input = `${start}.${encode(payload)}`;
    return `${input}.${signNow(null, Buffer.from(input), key).toString('base64url')}`;
  };
  // How it is sealed is none of the feed's business: the name stands for it.
  return { kid, algorithm: 'EdDSA', publicJwk: { kty, crv, x }, sealedPrivateJwk: kid, sign };
}

const POOL = await Promise.all(
  Array.from({ length: POOL_SIZE }, (_, index) => makeKey(11 + index)),
);

/** A key that no member of the run has used before; the last one again when all are used up. */
export class KeyPool {
  #used = 0;

  next(tenantId: string): NewSigningKey {
    const key = POOL[Math.min(this.#used++, POOL_SIZE - 1)];
    if (key === undefined) throw new RangeError('the pool of keys is empty');
    const { sign: _, ...publicParts } = key;
    return { tenantId, ...publicParts };
  }
}

/** Signs under a key of the pool, also under one that the database has erased: copies do exist. */
export const signToken: SignToken = async ({ kid }, claims) => signUnder(kid, claims);

export function signUnder(kid: string, claims: object): string {
  const key = POOL.find((one) => one.kid === kid);
  if (key === undefined) throw new RangeError('no such key in the pool');
  return key.sign(JSON.stringify(claims));
}
