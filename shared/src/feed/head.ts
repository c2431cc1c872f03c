/**
 * The signed head: the one mutable object of the feed. Payload of a compact JWS (RFC 7515 §7.1) with
 * `{"alg":"EdDSA","typ":"cardea-feed+jws","kid":…}`, signed by the feed key that edges pin.
 */

import type { UnixSeconds } from '../time.ts';
import type { RevocationEntry } from './entry.ts';

export const FEED_TYPE = 'cardea-feed+jws';
export const FEED_FORMAT_VERSION = 1;

/** Names of the objects in KV. */
export const HEAD_OBJECT = 'v1/head';
export const keysetObject = (sha256Hex: string): string => `v1/keyset/${sha256Hex}`;
export const segmentObject = (sha256Hex: string): string => `v1/segment/${sha256Hex}`;

export interface SegmentReference {
  /** SHA-256 of the object, lowercase hexadecimal: its name and its proof. */
  readonly hash: string;
  readonly entryCount: number;
  /** When the last entry of the segment stops mattering. */
  readonly expiresAtSeconds: UnixSeconds;
}

export interface FeedHead {
  /** Which deployment this feed belongs to: a head of another environment is refused. */
  readonly environmentId: string;
  /** max(previous + 1, milliseconds of the stamp): grows across restores. */
  readonly seq: number;
  /** `iat`: this head contains every revocation acknowledged before this second. */
  readonly issuedAtSeconds: UnixSeconds;
  /** SHA-256 of the keyset object, lowercase hexadecimal. */
  readonly keysetHash: string;
  readonly segments: readonly SegmentReference[];
  /** Entries that are in no segment yet (or not safely so), sorted by scope id. */
  readonly tail: readonly RevocationEntry[];
  /** The latest seal of the audit log, once there is one. */
  readonly auditSeal?: string;
}
