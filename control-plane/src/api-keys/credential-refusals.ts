/**
 * What a refused credential is called in the REST API: in `VerifyApiKeyResponse.error_code`, and as
 * a problem of its own. One row for each reason that a credential can be refused for here.
 */

import type { RefusalReason } from '@cardea/shared/refusals';
import type { ProblemCode } from '../http/problem.ts';

/** `VerificationErrorCode`, without its prefix `VERIFICATION_ERROR_`. */
export type VerificationError =
  | 'INVALID_FORMAT'
  | 'EXPIRED'
  | 'REVOKED'
  | 'NOT_FOUND'
  | 'SIGNATURE_INVALID'
  | 'INTERNAL'
  | 'IP_NOT_ALLOWED'
  | 'RATE_LIMITED'
  /** Cardea's own: Talos cannot disable a key. */
  | 'DISABLED'
  /** Cardea's own: of a macaroon, whose caveats Talos does not look at. */
  | 'CAVEAT_NOT_CLEARED';

interface CredentialRefusalRow {
  readonly verificationError: VerificationError;
  readonly problem: ProblemCode;
  readonly message: string;
}

const NOT_FOUND = row('NOT_FOUND', 'api_key_not_found', 'There is no such API key.');
const SIGNATURE = row('SIGNATURE_INVALID', 'signature_invalid', 'The token is not genuine.');
const TYPE = row('INVALID_FORMAT', 'invalid_token_type', 'Credentials of this kind are refused.');
const CAVEAT = row(
  'CAVEAT_NOT_CLEARED',
  'parent_key_invalid',
  'A caveat of the token asks for something that is not known here.',
);
/** Any reason without a row: none that a credential is refused for on the control plane. */
const UNFORESEEN = row('INTERNAL', 'internal_server_error', 'It could not be verified.');

const ROWS: Readonly<Partial<Record<RefusalReason, CredentialRefusalRow>>> = {
  credential_missing: row('INVALID_FORMAT', 'credential_required', 'A credential is required.'),

  // The same answer for a wrong checksum and an unknown id: neither says which it was.
  api_key_malformed: NOT_FOUND,
  api_key_unknown: NOT_FOUND,
  api_key_revoked: row('REVOKED', 'api_key_revoked', 'The API key has been revoked.'),
  api_key_expired: row('EXPIRED', 'api_key_expired', 'The API key has expired.'),
  api_key_disabled: row('DISABLED', 'api_key_disabled', 'The API key is disabled.'),
  api_key_not_accepted: TYPE,
  ip_not_allowed: row('IP_NOT_ALLOWED', 'ip_not_allowed', 'Not allowed from this address.'),

  token_malformed: SIGNATURE,
  macaroon_malformed: SIGNATURE,
  discharge_missing: SIGNATURE,
  discharge_unused: SIGNATURE,
  caveat_unknown: CAVEAT,
  caveat_not_cleared: CAVEAT,
  token_too_large: row('INVALID_FORMAT', 'unknown_credential', 'The credential is too long.'),
  token_type_unsupported: TYPE,
  token_algorithm_unsupported: SIGNATURE,
  token_header_unsupported: SIGNATURE,
  signing_key_unknown: SIGNATURE,
  signing_key_not_live: SIGNATURE,
  signature_invalid: SIGNATURE,
  verification_key_invalid: SIGNATURE,
  claims_malformed: SIGNATURE,
  token_expired: row('EXPIRED', 'parent_key_invalid', 'The token has expired.'),
  token_not_yet_valid: SIGNATURE,
  token_lifetime_too_long: SIGNATURE,
  issuer_mismatch: SIGNATURE,
  audience_mismatch: SIGNATURE,
  tenant_mismatch: NOT_FOUND,
  token_revoked: row('REVOKED', 'parent_key_invalid', 'The token has been revoked.'),
};

export function credentialRefusal(reason: RefusalReason): CredentialRefusalRow {
  return ROWS[reason] ?? UNFORESEEN;
}

function row(
  verificationError: VerificationError,
  problem: ProblemCode,
  message: string,
): CredentialRefusalRow {
  return { verificationError, problem, message };
}
