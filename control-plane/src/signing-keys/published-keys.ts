/** How the stored keys appear outside: in the keyset of the feed and in the JWKS. Pure. */

import type { KeysetKey } from '@cardea/shared/feed/keyset';
import { unixSeconds } from '@cardea/shared/time';
import { publicMembers } from './public-members.ts';
import type { SigningKey } from './signing-key.ts';

/** Not-after of a key whose end is not planned: the last second a bound can name. */
const NO_END = unixSeconds(0xffffffff);

export interface KeyBinding {
  readonly issuer: string;
  readonly audience: string;
  readonly feedHardSeconds: number;
  readonly clockSkewSeconds: number;
}

/**
 * The keys of one tenant that belong in the keyset: all but the retired. An edge may use a keyset up
 * to one bound old, so the not-before of a pending key already lets its first tokens pass, and a
 * change of state narrows nothing that an earlier keyset allowed but a retiring key's end.
 */
export function keysetKeysOf(keys: readonly SigningKey[], binding: KeyBinding): KeysetKey[] {
  const isFirstKey = keys.every((key) => key.activatedAtSeconds === undefined);
  return keys.flatMap((key) => {
    if (key.state === 'retired') return [];
    return [
      {
        tenantId: key.tenantId,
        issuer: binding.issuer,
        audience: binding.audience,
        algorithm: key.algorithm,
        kid: key.kid,
        state: key.state,
        notBeforeSeconds: unixSeconds(notBefore(key, { ...binding, isFirstKey })),
        notAfterSeconds: key.retiresAtSeconds ?? NO_END,
        jwk: publicMembers(key.publicJwk),
      },
    ];
  });
}

/** By an edge's clock, which may be behind the database's by the skew. */
function notBefore(key: SigningKey, binding: KeyBinding & { isFirstKey: boolean }): number {
  const { activatedAtSeconds, createdAtSeconds } = key;
  if (activatedAtSeconds !== undefined) return activatedAtSeconds - binding.clockSkewSeconds;
  // A first key may sign as soon as it is published; a later one waits for a whole bound.
  if (binding.isFirstKey) return createdAtSeconds - binding.clockSkewSeconds;
  return createdAtSeconds + binding.feedHardSeconds;
}

/** RFC 7517 §5. Pending keys are in it, so that whoever caches the set knows them before use. */
export function jwksOf(keys: readonly SigningKey[]) {
  return keys
    .filter((key) => key.state !== 'retired')
    .map((key) => ({
      ...publicMembers(key.publicJwk),
      alg: key.algorithm,
      use: 'sig',
      kid: key.kid,
    }));
}
