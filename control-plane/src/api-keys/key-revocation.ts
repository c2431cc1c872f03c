/** The revocation row of a key that ends for good, as every operation here writes it. */

import type { Deps } from '../deps.ts';
import { revocationLivesSeconds, revocationOfKey } from '../revocations/new-revocation.ts';
import type { NewRevocation } from '../revocations/revocation.ts';
import { randomUuid } from './generate-api-key.ts';

interface EndedKey {
  readonly tenantId: string;
  readonly keyId: string;
  /** The operation, e.g. `api_key.revoke`. */
  readonly cause: string;
}

export function newKeyRevocation(
  deps: Pick<Deps, 'config' | 'randomBytes'>,
  ended: EndedKey,
): NewRevocation {
  const { derivedTokenTtlMaxSeconds, clockSkewSeconds } = deps.config;
  const livesSeconds = revocationLivesSeconds({
    derivedTokenTtlSecondsMax: derivedTokenTtlMaxSeconds,
    clockSkewSeconds,
  });
  return revocationOfKey({ ...ended, revocationId: randomUuid(deps), livesSeconds });
}
