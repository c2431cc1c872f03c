/** The enums of the REST API: wire names in the order of their numbers, and what each means here. */

import { protoEnum } from '../../http/protojson.ts';

const VISIBILITIES = {
  KEY_VISIBILITY_UNSPECIFIED: 'secret',
  KEY_VISIBILITY_SECRET: 'secret',
  KEY_VISIBILITY_PUBLIC: 'public',
} as const;

const REASONS = {
  REVOCATION_REASON_UNSPECIFIED: 'unspecified',
  REVOCATION_REASON_KEY_COMPROMISE: 'key_compromise',
  REVOCATION_REASON_AFFILIATION_CHANGED: 'affiliation_changed',
  REVOCATION_REASON_SUPERSEDED: 'superseded',
  REVOCATION_REASON_PRIVILEGE_WITHDRAWN: 'privilege_withdrawn',
} as const;

export const keyVisibility = () => protoEnum(VISIBILITIES);
export const revocationReason = () => protoEnum(REASONS);

export const VISIBILITY_NAMES = {
  secret: 'KEY_VISIBILITY_SECRET',
  public: 'KEY_VISIBILITY_PUBLIC',
} as const;

export const REASON_NAMES = {
  unspecified: 'REVOCATION_REASON_UNSPECIFIED',
  key_compromise: 'REVOCATION_REASON_KEY_COMPROMISE',
  affiliation_changed: 'REVOCATION_REASON_AFFILIATION_CHANGED',
  superseded: 'REVOCATION_REASON_SUPERSEDED',
  privilege_withdrawn: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN',
} as const;

export const STATUS_NAMES = {
  active: 'KEY_STATUS_ACTIVE',
  revoked: 'KEY_STATUS_REVOKED',
  expired: 'KEY_STATUS_EXPIRED',
  /** Cardea's own: Talos cannot disable a key. */
  disabled: 'KEY_STATUS_DISABLED',
} as const;
