/** The root of the keys of caveats that the control plane discharges: random, created once. */

import {
  deriveSecret,
  importSecretRoot,
  type SecretRoot,
} from '@cardea/shared/crypto/derive-secret';
import { type SecretMeans, storedSecret } from '../tokens/stored-secret.ts';

const NAME = 'discharge-root';

/** The root; read once, then remembered by the returned function. */
export function dischargeRootReader(means: SecretMeans): () => Promise<SecretRoot> {
  let known: SecretRoot | undefined;
  return async () => {
    // The key and not the promise of it: a promise must not outlive the request that made it.
    known ??= await importSecretRoot(await storedSecret(NAME, means));
    return known;
  };
}

/** 32 bytes. Told only to whoever a new caveat is made for: its id is random then. */
export function caveatKeyOf(root: SecretRoot, caveatId: string): Promise<Uint8Array<ArrayBuffer>> {
  return deriveSecret(root, 'discharge', [caveatId]);
}
