/** The salt that turns actors' names into scope ids: random, created once, never rotated. */

import { importHmacKey } from '@cardea/shared/crypto/hmac';
import { type SecretMeans, storedSecret } from './stored-secret.ts';

const NAME = 'actor-salt';

/** The salt as a key; read once, then remembered by the returned function. */
export function actorSaltReader(means: SecretMeans): () => Promise<CryptoKey> {
  let known: CryptoKey | undefined;
  return async () => {
    // The key and not the promise of it: a promise must not outlive the request that made it.
    known ??= await importHmacKey(await storedSecret(NAME, means));
    return known;
  };
}
