/** An API key as the control plane knows it: everything but the secret. */

import type { UnixMilliseconds } from '@cardea/shared/time';

export type RevocationReason =
  | 'unspecified'
  | 'key_compromise'
  | 'affiliation_changed'
  | 'superseded'
  | 'privilege_withdrawn';

export interface RateLimitPolicy {
  /** Requests per window; up to 2^63 − 1, so a decimal string. */
  readonly quota: string;
  readonly windowSeconds: number;
}

export interface ApiKey {
  readonly tenantId: string;
  /** Issued: a version-4 UUID. Imported: 64 hexadecimal digits. */
  readonly keyId: string;
  readonly kind: 'issued' | 'imported';
  readonly name: string;
  readonly actorId: string;
  readonly scopes: readonly string[];
  /** As sent; JSON text is what is stored, so nothing is merged into a prototype. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What is stored. Whether a key has expired is computed from `expireTime`. */
  readonly state: 'active' | 'revoked';
  readonly visibility: 'secret' | 'public';
  readonly createTime: UnixMilliseconds;
  readonly updateTime: UnixMilliseconds;
  readonly expireTime?: UnixMilliseconds;
  readonly lastUsedTime?: UnixMilliseconds;
  readonly rateLimitPolicy?: RateLimitPolicy;
  readonly allowedCidrs?: readonly string[];
  readonly revocationReason?: RevocationReason;
  readonly revocationDescription?: string;
  /** Set while the key is disabled: it is refused, and may be enabled again. */
  readonly disableTime?: UnixMilliseconds;
  /** After a rotation with overlap: from then on the key counts as revoked (superseded). */
  readonly overlapEndTime?: UnixMilliseconds;
  /** Grows by one with each change that an administrator makes: what an update was made from. */
  readonly revision: number;
}
