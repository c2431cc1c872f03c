/** Whether what is to be revoked is the tenant's, and the revocation row that says so. */

import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import type { Deps } from '../deps.ts';
import {
  cutOffOfActor,
  cutOffOfEverything,
  cutOffOfKey,
  cutOffOfTenant,
  type RevocationCause,
  revocationOfSigningKey,
  revocationOfToken,
} from './new-revocation.ts';
import type { NewRevocation } from './revocation.ts';
import type { CheckedTarget } from './target.ts';

/**
 * `not_one_of_many`: a key is revoked for good by a request of its own. `other_tenant`: named is another
 * one than the request acts on.
 */
export type SubjectProblem =
  | 'key_not_found'
  | 'signing_key_not_found'
  | 'other_tenant'
  | 'not_one_of_many';

export type SubjectRead =
  | { readonly revocation: NewRevocation }
  | { readonly outcome: SubjectProblem };

/** Keys that the store is asked for at once. */
const KEYS_MAX = 100;

/** The place of a key that the tenant does not have, or `undefined` if it has all of them. */
export async function unknownKeyOf(
  { apiKeys }: Pick<Deps, 'apiKeys'>,
  tenantId: string,
  targets: readonly CheckedTarget[],
): Promise<number | undefined> {
  const keyIds = [
    ...new Set(targets.flatMap(({ scope, subject }) => (scope === 'key' ? subject : []))),
  ];
  const known = new Set<string>();
  for (let start = 0; start < keyIds.length; start += KEYS_MAX) {
    const found = await apiKeys.findMany(tenantId, keyIds.slice(start, start + KEYS_MAX));
    for (const keyId of found.keys()) known.add(keyId);
  }
  const place = targets.findIndex(({ scope, subject }) => scope === 'key' && !known.has(subject));
  return place < 0 ? undefined : place;
}

/**
 * Keys must have been looked for ({@link unknownKeyOf}). A token needs not be known: it is named by 122 random bits, which nobody has who has not seen it.
 * An actor is a name that keys carry, and is the tenant's by the way its scope id is made.
 */
export async function newRevocationOf(
  deps: Pick<Deps, 'minting' | 'signingKeys' | 'tenants'>,
  { scope, subject, bound }: CheckedTarget,
  cause: RevocationCause,
): Promise<SubjectRead> {
  const { tenantId } = cause;
  if (scope === 'token') return { revocation: revocationOfToken({ ...cause, tokenId: subject }) };
  if (scope === 'signing_key') return newSigningKeyRevocation(deps, { ...cause, kid: subject });
  if (bound === 'for_good') return { outcome: 'not_one_of_many' };
  switch (scope) {
    case 'key':
      return { revocation: cutOffOfKey({ ...cause, keyId: subject, bound }) };
    case 'actor': {
      const scopeId = await deps.minting.actorScopes.named({ tenantId, actor: subject });
      return { revocation: cutOffOfActor({ ...cause, actor: subject, scopeId, bound }) };
    }
    case 'tenant':
      if (subject !== tenantId) return { outcome: 'other_tenant' };
      return { revocation: cutOffOfTenant({ ...cause, bound }) };
    case 'everything':
      return { revocation: cutOffOfEverything({ ...cause, bound }) };
  }
}

/** Retired ones too: what they signed may be alive. */
async function newSigningKeyRevocation(
  deps: Pick<Deps, 'minting' | 'signingKeys' | 'tenants'>,
  cause: RevocationCause & { readonly kid: string },
): Promise<SubjectRead> {
  const { kid, tenantId } = cause;
  const keys = await deps.signingKeys.list(tenantId);
  const isKnown = keys.some((key) => key.kid === kid) || (await isMacaroonKey(deps, cause));
  if (!isKnown) return { outcome: 'signing_key_not_found' };
  const scopeId = await scopeIdOfSigningKey(kid);
  return { revocation: revocationOfSigningKey({ ...cause, scopeId }) };
}

/** Macaroon keys have no rows: those in use follow from the root, whether an edge has them or not. */
async function isMacaroonKey(
  { minting, tenants }: Pick<Deps, 'minting' | 'tenants'>,
  { kid, tenantId }: { readonly kid: string; readonly tenantId: string },
): Promise<boolean> {
  const tenant = await tenants.byId(tenantId);
  return tenant !== undefined && (await minting.macaroonKeys(tenant, kid)).keys.has(kid);
}
