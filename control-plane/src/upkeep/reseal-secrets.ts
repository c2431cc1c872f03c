/**
 * Re-seals signing keys and stored secrets after `CARDEA_SECRET` has been replaced. When nothing is
 * left under the former secrets, issued keys whose checksum was made with one are all that still needs
 * them (docs/operations.md).
 */

import type { Resealed, ResealingMeans } from '../reseal.ts';
import { resealSigningKey } from '../signing-keys/sealed-signing-key.ts';
import type { SigningKeyStore } from '../signing-keys/store.ts';
import { resealStoredSecret, type StoredSecretStore } from '../tokens/stored-secret.ts';

export interface ResealParts extends ResealingMeans {
  readonly signingKeys: Pick<SigningKeyStore, 'listSealed' | 'reseal'>;
  readonly secrets: Pick<StoredSecretStore, 'list' | 'reseal'>;
}

export type ResealCounts = Readonly<Record<Resealed['outcome'], number>>;

/** Without a former secret there is nothing that it could open: then it reads nothing. */
export async function resealSecrets(parts: ResealParts): Promise<ResealCounts | undefined> {
  const { keyEncryption, signingKeys, secrets } = parts;
  if (keyEncryption.length === 1) return undefined;
  const counts = { current: 0, resealed: 0, unreadable: 0 };
  for (const key of await signingKeys.listSealed()) {
    const resealed = await resealSigningKey(key, parts);
    const { tenantId, kid, sealedPrivateJwk: oldSealed } = key;
    await write(resealed, (newSealed) =>
      signingKeys.reseal({ tenantId, kid, oldSealed, newSealed }),
    );
    counts[resealed.outcome]++;
  }
  for (const secret of await secrets.list()) {
    const resealed = await resealStoredSecret(secret, parts);
    await write(resealed, (newSealed) => secrets.reseal(secret.name, secret.sealed, newSealed));
    counts[resealed.outcome]++;
  }
  return counts;
}

async function write(
  resealed: Resealed,
  replace: (newSealed: string) => Promise<void>,
): Promise<void> {
  if (resealed.outcome === 'resealed') await replace(resealed.sealed);
}
