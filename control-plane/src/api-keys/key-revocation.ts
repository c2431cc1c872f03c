/** The revocation rows of keys, as every operation here writes them. */

import type { Deps } from '../deps.ts';
import {
  cutOffOfKey,
  revocationLivesSeconds,
  revocationOfKey,
} from '../revocations/new-revocation.ts';
import type { NewRevocation } from '../revocations/revocation.ts';
import { randomUuid } from './generate-api-key.ts';

interface EndedKey {
  readonly tenantId: string;
  readonly keyId: string;
  /** The operation, e.g. `api_key.revoke`. */
  readonly cause: string;
  /** In the words of whoever revokes. */
  readonly reason?: string;
}

type RevocationDeps = Pick<Deps, 'config' | 'randomBytes'>;

/** The key ends for good: at once, or so many seconds after the commit. */
export function newKeyRevocation(
  deps: RevocationDeps,
  ended: EndedKey & { readonly effectiveAfterSeconds?: number },
): NewRevocation {
  return revocationOfKey({ ...ended, ...lifeOf(deps) });
}

/** Tokens derived from the key before the commit end; the key itself may go on. */
export function newKeyCutOff(deps: RevocationDeps, cutOff: EndedKey): NewRevocation {
  return cutOffOfKey({ ...cutOff, ...lifeOf(deps) });
}

function lifeOf(deps: RevocationDeps) {
  const { derivedTokenTtlMaxSeconds, clockSkewSeconds } = deps.config;
  const livesSeconds = revocationLivesSeconds({
    derivedTokenTtlSecondsMax: derivedTokenTtlMaxSeconds,
    clockSkewSeconds,
  });
  return { revocationId: randomUuid(deps), livesSeconds };
}
