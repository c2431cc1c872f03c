/**
 * Macaroon keys: one for each tenant, audience and epoch, derived from one stored random root. Only the
 * root is stored; what an edge is given leads neither to it nor to any other key.
 *
 * A key that is revoked for good is replaced by the next generation of its epoch. That one waits, as a
 * new signing key does, until every edge must know it.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { deriveSecret, type SecretRoot } from '@cardea/shared/crypto/derive-secret';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import type { FeedMacaroonKey } from '@cardea/shared/feed/sealed-key';
import { unixSeconds } from '@cardea/shared/time';
import type { ControlPlaneConfig } from '../config.ts';
import { noticeSeconds } from '../publication/notice.ts';
import { revocationLivesSeconds } from '../revocations/new-revocation.ts';
import { type Epoch, type EpochTimes, endOf, epochsInUse } from './epochs.ts';
import type { ReplacedKey } from './replaced-keys.ts';

export interface MacaroonKey extends FeedMacaroonKey {
  readonly epoch: Epoch;
  /** Which key of its epoch it is, from 0. */
  readonly generation: number;
  /** It mints from this second on, until its epoch ends. */
  readonly mintsFromSeconds: number;
}

export interface MacaroonKeyTimes extends EpochTimes {
  /** From when a key is replaced until every edge must know the other one, and that one mints. */
  readonly noticeSeconds: number;
  readonly clockSkewSeconds: number;
}

/** The next epoch's key is published so long before its first use, unless bounds are longer. */
const LEAD_SECONDS = 60 * 60;

export function macaroonKeyTimes(
  config: Pick<
    ControlPlaneConfig,
    | 'macaroonEpochSeconds'
    | 'feedHardSeconds'
    | 'feedHeartbeatSeconds'
    | 'clockSkewSeconds'
    | 'derivedTokenTtlMaxSeconds'
  >,
): MacaroonKeyTimes {
  const { clockSkewSeconds, derivedTokenTtlMaxSeconds } = config;
  const notice = noticeSeconds(config);
  const limits = { clockSkewSeconds, derivedTokenTtlSecondsMax: derivedTokenTtlMaxSeconds };
  return {
    ...{ clockSkewSeconds, noticeSeconds: notice },
    epochSeconds: config.macaroonEpochSeconds,
    leadSeconds: Math.max(LEAD_SECONDS, 2 * notice),
    livesSeconds: revocationLivesSeconds(limits),
  };
}

/** For whom a key is. */
export interface KeyHolder {
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface KeysAsked {
  readonly nowSeconds: number;
  readonly times: MacaroonKeyTimes;
  /** Of this tenant at least. */
  readonly replaced: readonly ReplacedKey[];
}

/** The keys in use at a moment, oldest epoch first. The same moment and rows make the same keys. */
export async function macaroonKeysOf(
  derive: DeriveKey,
  holder: KeyHolder,
  { nowSeconds, replaced, times }: KeysAsked,
): Promise<readonly MacaroonKey[]> {
  const { tenantId, issuer, audience } = holder;
  const keys: MacaroonKey[] = [];
  for (const epoch of epochsInUse(nowSeconds, times)) {
    const before = replaced.filter((key) => isOf(key, { ...holder, epoch }));
    const generation = Math.max(-1, ...before.map((key) => key.generation)) + 1;
    const replacedAt = Math.max(...before.map((key) => key.replacedAtSeconds));
    const mintsFromSeconds = Math.max(epoch.startSeconds, replacedAt + times.noticeSeconds);
    // Its epoch ends before it could be known everywhere: nobody needs it.
    if (mintsFromSeconds >= endOf(epoch)) continue;
    const { kid, rootKey, scopeId } = await derive({ tenantId, audience, epoch, generation });
    // By an edge's clock, which may be behind the database's by the skew.
    const notBefore = mintsFromSeconds - times.clockSkewSeconds;
    keys.push({
      ...{ tenantId, issuer, audience, kid, rootKey, scopeId },
      ...{ epoch, generation, mintsFromSeconds },
      notBeforeSeconds: unixSeconds(Math.max(0, notBefore)),
      notAfterSeconds: unixSeconds(endOf(epoch) + times.livesSeconds),
    });
  }
  return keys;
}

function isOf(
  key: ReplacedKey,
  name: { readonly tenantId: string; readonly audience: string; readonly epoch: Epoch },
): boolean {
  const { startSeconds, lengthSeconds } = name.epoch;
  const isOfEpoch =
    key.epoch.startSeconds === startSeconds && key.epoch.lengthSeconds === lengthSeconds;
  return isOfEpoch && key.tenantId === name.tenantId && key.audience === name.audience;
}

/** The one that mints for an audience now; `undefined` if it is waited for. */
export function mintingKey(
  keys: Iterable<MacaroonKey>,
  { audience, nowSeconds }: { readonly audience: string; readonly nowSeconds: number },
): MacaroonKey | undefined {
  return [...keys].find(
    (key) =>
      key.audience === audience &&
      nowSeconds >= key.mintsFromSeconds &&
      nowSeconds < endOf(key.epoch),
  );
}

interface KeyName {
  readonly tenantId: string;
  readonly audience: string;
  readonly epoch: Epoch;
  readonly generation: number;
}

export type DerivedKey = Pick<MacaroonKey, 'kid' | 'rootKey' | 'scopeId'>;

export type DeriveKey = (name: KeyName) => Promise<DerivedKey>;

/** Derived keys kept in memory, about 200 bytes each: three epochs of a thousand tenants. */
const REMEMBERED_MAX = 3000;
const KID_BYTES = 16;

/** Derives keys, and remembers them: each takes two runs of HKDF and a hash. */
export function createKeyDeriver(root: () => Promise<SecretRoot>): DeriveKey {
  const known = new Map<string, DerivedKey>();
  return async ({ tenantId, audience, epoch, generation }) => {
    const numbers = [epoch.startSeconds, epoch.lengthSeconds, generation].map(String);
    const context = [tenantId, audience, ...numbers];
    const name = JSON.stringify(context);
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const secretRoot = await root();
    const rootKey = await deriveSecret(secretRoot, 'macaroonKey', context);
    const kidBytes = (await deriveSecret(secretRoot, 'macaroonKid', context)).slice(0, KID_BYTES);
    const kid = `mk_${encodeBase64url(kidBytes)}`;
    const derived = { kid, rootKey, scopeId: await scopeIdOfSigningKey(kid) };
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(name, derived);
    return derived;
  };
}
