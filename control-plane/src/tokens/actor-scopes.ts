/**
 * The scope ids of actors, remembered: plain texts and numbers, bounded. They are keyed hashes under
 * a salt that never changes, so what is remembered is never wrong; which actor a key has is only a
 * hint, because an imported key can be deleted and imported again for another one.
 */

import { type ScopeId, scopeIdOfActor } from '@cardea/shared/feed/scope-id';
import type { ApiKey } from '../api-keys/api-key.ts';

/** About 200 bytes each. */
const REMEMBERED_MAX = 10_000;

export interface ActorScopes {
  /** The scope id of the key's actor. */
  of(key: Pick<ApiKey, 'tenantId' | 'keyId' | 'actorId'>): Promise<ScopeId>;
  /** What `of` answered last for a key with this id, in this process. */
  lastOf(tenantId: string, keyId: string): ScopeId | undefined;
  /** The scope id of an actor by its name, whatever keys act for it. */
  named(actor: { readonly tenantId: string; readonly actor: string }): Promise<ScopeId>;
}

export function createActorScopes(actorSalt: () => Promise<CryptoKey>): ActorScopes {
  const known = new Map<string, { readonly actorId: string; readonly scopeId: ScopeId }>();
  const nameOf = (tenantId: string, keyId: string) => `${tenantId}/${keyId}`;
  return {
    async of({ tenantId, keyId, actorId }) {
      const name = nameOf(tenantId, keyId);
      const remembered = known.get(name);
      if (remembered?.actorId === actorId) return remembered.scopeId;
      const scopeId = await scopeIdOfActor(await actorSalt(), { tenantId, actor: actorId });
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(name, { actorId, scopeId });
      return scopeId;
    },
    lastOf: (tenantId, keyId) => known.get(nameOf(tenantId, keyId))?.scopeId,
    named: async (actor) => scopeIdOfActor(await actorSalt(), actor),
  };
}
