/** Signing keys of the simulation: the same in every run, made once, because making keys is slow. */

import { makeNodeSigner } from '@cardea/control-plane/node/native-crypto';
import type { NewSigningKey } from '@cardea/control-plane/signing-keys/signing-key';
import type { SignToken } from '@cardea/control-plane/tokens/token-signer';
import { fixedKey } from '@cardea/shared/feed/testing/feed-fixture';

interface PooledKey extends Omit<NewSigningKey, 'tenantId'> {
  readonly sign: (payload: string) => Promise<string>;
}

/** More than a run uses up. */
const POOL_SIZE = 24;

async function makeKey(fill: number): Promise<PooledKey> {
  const { kid, privateKey } = await fixedKey(fill);
  const jwk = await crypto.subtle.exportKey('jwk', privateKey);
  const { kty = '', crv = '', x = '', d = '' } = jwk;
  const sign = await makeNodeSigner({ kty, crv, x, d }, { alg: 'EdDSA', kid, typ: 'JWT' });
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

export async function signUnder(kid: string, claims: object): Promise<string> {
  const key = POOL.find((one) => one.kid === kid);
  if (key === undefined) throw new RangeError('no such key in the pool');
  return key.sign(JSON.stringify(claims));
}
