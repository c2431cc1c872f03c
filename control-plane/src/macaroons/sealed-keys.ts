/**
 * The macaroon keys that the keyset carries: each sealed for each edge that is registered for its
 * tenant and audience, and for no other. Keys that were revoked for good are replaced here.
 */

import type { SecretRoot } from '@cardea/shared/crypto/derive-secret';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import {
  type EdgeIdentity,
  importEdgeSealingKey,
  type SealedMacaroonKey,
  sealMacaroonKey,
} from '@cardea/shared/feed/sealed-key';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { type Edge, sealedGenerations } from '../edges/edge.ts';
import { edgeSecretOf } from '../edges/edge-secret.ts';
import type { EdgeStore } from '../edges/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { endOf } from './epochs.ts';
import {
  createKeyDeriver,
  type DeriveKey,
  type MacaroonKey,
  type MacaroonKeyTimes,
  macaroonKeysOf,
} from './macaroon-key.ts';
import type { ReplacedKey, ReplacedKeyStore } from './replaced-keys.ts';

export interface SealedKeyParts {
  readonly edges: Pick<EdgeStore, 'list'>;
  readonly replacedKeys: Pick<ReplacedKeyStore, 'listAll' | 'insert'>;
  readonly root: () => Promise<SecretRoot>;
  readonly edgeRoot: () => Promise<SecretRoot>;
  readonly environmentId: string;
  readonly times: MacaroonKeyTimes;
  readonly clock: Clock;
}

/** Those of the scope ids (16 hexadecimal digits) that are revoked for good. */
export type RevokedForGood = (scopeIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** What edges are to get for the tenants; `revokedForGood` asks what the publisher knows. */
export type SealKeys = (
  tenants: readonly Tenant[],
  revokedForGood: RevokedForGood,
) => Promise<readonly SealedMacaroonKey[]>;

export function createKeySealer(parts: SealedKeyParts): SealKeys {
  const derive = createKeyDeriver(parts.root);
  const seal = createBoxes(parts);
  return async (tenants, revokedForGood) => {
    const now = parts.clock.now();
    const { edges } = await parts.edges.list();
    const live = edges.filter((edge) => sealedGenerations(edge, now).length > 0);
    const replaced = await parts.replacedKeys.listAll();
    const collected = await collect(parts, { derive, tenants, live, replaced, now });
    const revoked = await revokedOf(collected, revokedForGood);
    if (revoked.length === 0) return seal(live, { keys: collected, now });
    await parts.replacedKeys.insert(revoked.map((key) => rowOf(key, parts.times)));
    const again = await parts.replacedKeys.listAll();
    const keys = await collect(parts, { derive, tenants, live, replaced: again, now });
    return seal(live, { keys, now });
  };
}

interface Collection {
  readonly derive: DeriveKey;
  readonly tenants: readonly Tenant[];
  readonly live: readonly Edge[];
  readonly replaced: readonly ReplacedKey[];
  readonly now: UnixMilliseconds;
}

/** Every key in use, whether an edge has it or only the control plane: any of them may be revoked. */
async function collect(
  { times }: SealedKeyParts,
  { derive, tenants, live, replaced, now }: Collection,
): Promise<readonly MacaroonKey[]> {
  const replacedOf = Map.groupBy(replaced, ({ tenantId }) => tenantId);
  const keys: MacaroonKey[] = [];
  for (const { tenantId, issuer, audience: own } of tenants) {
    const edges = live.filter(({ tenantIds }) => tenantIds.includes(tenantId));
    const audiences = new Set([own, ...edges.flatMap((edge) => edge.audiences)]);
    const asked = { nowSeconds: secondsOf(now), times, replaced: replacedOf.get(tenantId) ?? [] };
    for (const audience of audiences) {
      keys.push(...(await macaroonKeysOf(derive, { tenantId, issuer, audience }, asked)));
    }
  }
  return keys;
}

async function revokedOf(
  keys: readonly MacaroonKey[],
  revokedForGood: RevokedForGood,
): Promise<readonly MacaroonKey[]> {
  const scopeIdOf = (key: MacaroonKey) => formatScopeId(key.scopeId);
  const revoked = await revokedForGood(keys.map(scopeIdOf));
  return keys.filter((key) => revoked.has(scopeIdOf(key)));
}

function rowOf(key: MacaroonKey, { livesSeconds }: MacaroonKeyTimes) {
  const { audience, epoch, generation, kid, tenantId } = key;
  const expiresAtSeconds = endOf(epoch) + livesSeconds;
  return { tenantId, audience, kid, epoch, generation, expiresAtSeconds };
}

/** Boxes kept in memory, about 500 bytes each, and sealing keys. */
const BOXES_MAX = 5000;
const IDENTITIES_MAX = 1000;

interface Box {
  readonly edge: Edge;
  readonly generation: number;
  readonly key: MacaroonKey;
}

/** Seals, and remembers the boxes: they are the same each time (`sealMacaroonKey`). */
function createBoxes({ edgeRoot, environmentId }: SealedKeyParts) {
  const boxes = new Map<string, SealedMacaroonKey>();
  const identities = new Map<string, EdgeIdentity>();

  const identityOf = async ({ edge: { edgeId }, generation }: Box): Promise<EdgeIdentity> => {
    const name = `${edgeId}/${generation}`;
    const known = identities.get(name);
    if (known !== undefined) return known;
    const secret = await edgeSecretOf(await edgeRoot(), { edgeId, generation });
    const sealingKey = await importEdgeSealingKey(secret, ['encrypt']);
    const identity = { environmentId, edgeId, sealingKey };
    if (identities.size >= IDENTITIES_MAX) identities.clear();
    identities.set(name, identity);
    return identity;
  };

  const boxOf = async (box: Box): Promise<SealedMacaroonKey> => {
    const { issuer, kid, notAfterSeconds, notBeforeSeconds } = box.key;
    const binding = [issuer, kid, notBeforeSeconds, notAfterSeconds];
    const name = JSON.stringify([box.edge.edgeId, box.generation, ...binding]);
    const known = boxes.get(name);
    if (known !== undefined) return known;
    const sealed = await sealMacaroonKey(await identityOf(box), box.key);
    if (boxes.size >= BOXES_MAX) boxes.clear();
    boxes.set(name, sealed);
    return sealed;
  };

  return async (
    edges: readonly Edge[],
    { keys, now }: { readonly keys: readonly MacaroonKey[]; readonly now: UnixMilliseconds },
  ): Promise<readonly SealedMacaroonKey[]> => {
    const sealed: SealedMacaroonKey[] = [];
    for (const edge of edges) {
      for (const generation of sealedGenerations(edge, now)) {
        for (const key of keys.filter((each) => isFor(edge, each))) {
          sealed.push(await boxOf({ edge, generation, key }));
        }
      }
    }
    return sealed;
  };
}

function isFor({ tenantIds, audiences }: Edge, { tenantId, audience }: MacaroonKey): boolean {
  return tenantIds.includes(tenantId) && audiences.includes(audience);
}
