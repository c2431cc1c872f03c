/**
 * A key that signs derived tokens, and its life:
 *
 *   pending   published, signs nothing yet
 *   active    signs; one per tenant
 *   retiring  signs no more, still verifies what it signed
 *   retired   out of the keyset; the private half is erased
 *
 * A pending key becomes active no earlier than one bound (`FEED_HARD_SECONDS` + skew) after the first
 * head that carried it was written: by then no edge trusts a head that lacks it. The very first key of
 * a tenant is the exception. Nobody can hold a token yet, so it becomes active as soon as the first
 * head that carries it has been written.
 */

import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import type { PublicJwk } from '@cardea/shared/feed/keyset';
import type { UnixSeconds } from '@cardea/shared/time';

export type SigningKeyState = 'pending' | 'active' | 'retiring' | 'retired';

export interface SigningKey {
  readonly tenantId: string;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly algorithm: JwsAlgorithm;
  readonly state: SigningKeyState;
  readonly publicJwk: PublicJwk;
  readonly createdAtSeconds: UnixSeconds;
  /** When a head that carries the key had been written. */
  readonly publishedAtSeconds?: UnixSeconds;
  readonly activatedAtSeconds?: UnixSeconds;
  /** Set when a successor takes over: the second in which the key leaves the keyset. */
  readonly retiresAtSeconds?: UnixSeconds;
}

/** A new key with its private half sealed (`sealed-signing-key`). */
export interface NewSigningKey
  extends Pick<SigningKey, 'tenantId' | 'kid' | 'algorithm' | 'publicJwk'> {
  readonly sealedPrivateJwk: string;
}

/** Seconds for which a pending key must have been published before it signs. */
export function publicationBoundSeconds(config: {
  readonly feedHardSeconds: number;
  readonly clockSkewSeconds: number;
}): number {
  return config.feedHardSeconds + config.clockSkewSeconds;
}
