/**
 * The macaroon keys of one tenant, for minting and for verifying on the control plane. What the
 * database says is remembered for a few seconds. A key that is revoked meanwhile neither mints nor
 * verifies: revocations are read each time.
 */

import type { SecretRoot } from '@cardea/shared/crypto/derive-secret';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { EdgeStore } from '../edges/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import {
  createKeyDeriver,
  type MacaroonKey,
  type MacaroonKeyTimes,
  macaroonKeysOf,
} from './macaroon-key.ts';
import type { ReplacedKeyStore } from './replaced-keys.ts';

export interface TenantMacaroonKeys {
  readonly keys: ReadonlyMap<string, MacaroonKey>;
  /** The tenant's own, and those that an edge is registered for. */
  readonly audiences: ReadonlySet<string>;
}

/** `kid`: look again soon if it is not among those remembered. Throws `StoreUnavailable`. */
export type ReadTenantKeys = (tenant: Tenant, kid?: string) => Promise<TenantMacaroonKeys>;

export interface TenantKeyParts {
  readonly edges: Pick<EdgeStore, 'list'>;
  readonly replacedKeys: Pick<ReplacedKeyStore, 'list'>;
  readonly root: () => Promise<SecretRoot>;
  readonly times: MacaroonKeyTimes;
  readonly clock: Clock;
}

/** How long a tenant's keys are remembered. */
const KEYS_MILLISECONDS_MAX = 5000;
/** How soon an unknown kid or audience makes us look again: forged ones must not cost a read each. */
const UNKNOWN_MILLISECONDS = 1000;
/** Tenants remembered at a time. */
const REMEMBERED_MAX = 1000;

export function createTenantKeyReader(parts: TenantKeyParts): ReadTenantKeys {
  const derive = createKeyDeriver(parts.root);
  const known = new Map<string, { readonly read: TenantMacaroonKeys; readonly at: number }>();
  return async (tenant, kid) => {
    const { tenantId, issuer, audience } = tenant;
    const name = JSON.stringify([tenantId, issuer, audience]);
    const now = parts.clock.now();
    const cached = known.get(name);
    if (cached !== undefined) {
      const age = now - cached.at;
      const isKnown = kid === undefined || cached.read.keys.has(kid);
      const ageMax = isKnown ? KEYS_MILLISECONDS_MAX : UNKNOWN_MILLISECONDS;
      if (age >= 0 && age < ageMax) return cached.read;
    }
    const read = await readKeys(parts, { tenant, derive, now });
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(name, { read, at: now });
    return read;
  };
}

interface Reading {
  readonly tenant: Tenant;
  readonly derive: ReturnType<typeof createKeyDeriver>;
  readonly now: UnixMilliseconds;
}

async function readKeys(
  { edges, replacedKeys, times }: TenantKeyParts,
  { tenant, derive, now }: Reading,
): Promise<TenantMacaroonKeys> {
  const { tenantId, issuer } = tenant;
  const [registered, replaced] = await Promise.all([edges.list(), replacedKeys.list(tenantId)]);
  const audiences = new Set([tenant.audience]);
  for (const edge of registered.edges) {
    if (edge.revokeTime !== undefined || !edge.tenantIds.includes(tenantId)) continue;
    for (const audience of edge.audiences) audiences.add(audience);
  }
  const keys = new Map<string, MacaroonKey>();
  const asked = { nowSeconds: secondsOf(now), replaced, times };
  for (const audience of audiences) {
    for (const key of await macaroonKeysOf(derive, { tenantId, issuer, audience }, asked)) {
      keys.set(key.kid, key);
    }
  }
  return { keys, audiences };
}
