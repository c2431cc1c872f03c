/** The root of all macaroon keys: random, created once. It never leaves the control plane. */

import { importSecretRoot, type SecretRoot } from '@cardea/shared/crypto/derive-secret';
import { type SecretMeans, storedSecret } from '../tokens/stored-secret.ts';

const NAME = 'macaroon-root';

/** The root; read once, then remembered by the returned function. */
export function macaroonRootReader(means: SecretMeans): () => Promise<SecretRoot> {
  let known: SecretRoot | undefined;
  return async () => {
    // The key and not the promise of it: a promise must not outlive the request that made it.
    known ??= await importSecretRoot(await storedSecret(NAME, means));
    return known;
  };
}
