/** The secrets of edges: derived from one stored random root, so that none of them is stored. */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import {
  deriveSecret,
  importSecretRoot,
  type SecretRoot,
} from '@cardea/shared/crypto/derive-secret';
import { type SecretMeans, storedSecret } from '../tokens/stored-secret.ts';
import type { Edge } from './edge.ts';

const NAME = 'edge-root';

/** The root; read once, then remembered by the returned function. */
export function edgeRootReader(means: SecretMeans): () => Promise<SecretRoot> {
  let known: SecretRoot | undefined;
  return async () => {
    // The key and not the promise of it: a promise must not outlive the request that made it.
    known ??= await importSecretRoot(await storedSecret(NAME, means));
    return known;
  };
}

/** 32 bytes: the sealing secret of one edge in one generation. */
export function edgeSecretOf(
  root: SecretRoot,
  { edgeId, generation }: Pick<Edge, 'edgeId' | 'generation'>,
): Promise<Uint8Array<ArrayBuffer>> {
  return deriveSecret(root, 'edge', [edgeId, String(generation)]);
}

/** As the edge's setting `EDGE_SECRET` has it: 43 characters of base64url. */
export async function edgeSecretText(
  root: SecretRoot,
  edge: Pick<Edge, 'edgeId' | 'generation'>,
): Promise<string> {
  return encodeBase64url(await edgeSecretOf(root, edge));
}
