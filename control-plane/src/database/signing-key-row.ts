/** From rows of `signing_keys`, of either dialect, to signing keys. */

import type { PublicJwk } from '@cardea/shared/feed/keyset';
import { unixSeconds } from '@cardea/shared/time';
import type { SigningKey } from '../signing-keys/signing-key.ts';
import type { signingKeys } from './schema.d1.ts';

export function toSigningKey(row: typeof signingKeys.$inferSelect): SigningKey {
  const { publishedAtS, activatedAtS, retiredAtS } = row;
  return {
    tenantId: row.nid,
    kid: row.kid,
    algorithm: row.algorithm,
    state: row.state,
    publicJwk: parsePublicJwk(row.publicJwk),
    createdAtSeconds: unixSeconds(row.createdAtS),
    ...(publishedAtS === null ? {} : { publishedAtSeconds: unixSeconds(publishedAtS) }),
    ...(activatedAtS === null ? {} : { activatedAtSeconds: unixSeconds(activatedAtS) }),
    ...(retiredAtS === null ? {} : { retiresAtSeconds: unixSeconds(retiredAtS) }),
  };
}

/** Our own row, written by the stores. */
function parsePublicJwk(json: string): PublicJwk {
  return JSON.parse(json);
}
