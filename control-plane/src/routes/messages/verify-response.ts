/** `VerifyApiKeyResponse` as JSON. */

import type { Refusal } from '@cardea/shared/refusals';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from '../../api-keys/api-key.ts';
import { credentialRefusal } from '../../api-keys/credential-refusals.ts';
import { endOfLife } from '../../api-keys/status.ts';
import {
  type CredentialUse,
  type RateLimitState,
  resetTimeOf,
} from '../../api-keys/use-credential.ts';
import type { VerifiedCredential } from '../../api-keys/verify-credential.ts';
import { VISIBILITY_NAMES } from './enums.ts';
import { rateLimitPolicyMessage, timestamp } from './issued-api-key.ts';

/** Every member that is always there, with the value that protojson gives to an unset one. */
const UNSET = {
  is_valid: false,
  key_id: '',
  actor_id: '',
  scopes: [] as readonly string[],
  expire_time: null as string | null,
  metadata: null as Readonly<Record<string, unknown>> | null,
  visibility: 'KEY_VISIBILITY_UNSPECIFIED',
  issuer: '',
  status: 'KEY_STATUS_UNSPECIFIED',
};

/** There is no verification cache: what is answered is true now. */
export const NOT_CACHED = { 'Ory-Talos-Cache': 'SKIP' };

const LIMITED = {
  error_code: 'VERIFICATION_ERROR_RATE_LIMITED',
  error_message: 'The rate limit of the API key is used up.',
};

export function verificationMessage(use: CredentialUse, issuer: string) {
  switch (use.outcome) {
    case 'valid':
      return { ...validMessage(use.credential, issuer), ...rateLimitMembers(use.rateLimit) };
    case 'rate_limited':
      return { ...UNSET, ...LIMITED, ...rateLimitMembers(use.rateLimit) };
    case 'refused':
      return { ...UNSET, ...refusalMembers(use.refusal) };
  }
}

function refusalMembers({ reason }: Refusal) {
  const { verificationError, message } = credentialRefusal(reason);
  return { error_code: `VERIFICATION_ERROR_${verificationError}`, error_message: message };
}

function rateLimitMembers(state: RateLimitState | undefined) {
  if (state === undefined) return {};
  const { decision, now, policy } = state;
  if (decision === undefined) return { rate_limit_policy: rateLimitPolicyMessage(policy) };
  return {
    rate_limit_policy: rateLimitPolicyMessage(policy),
    rate_limit_remaining: String(decision.remaining),
    rate_limit_reset_time: timestamp(resetTimeOf(decision, now)),
  };
}

function validMessage(credential: VerifiedCredential, issuer: string) {
  const valid = { ...UNSET, is_valid: true, issuer, status: 'KEY_STATUS_ACTIVE' };
  if (credential.kind === 'api_key') return { ...valid, ...apiKeyMembers(credential.key) };
  const { claims } = credential;
  return {
    ...valid,
    key_id: claims.keyId,
    actor_id: claims.actor ?? '',
    scopes: claims.scopes,
    expire_time: timestamp(unixMilliseconds(claims.expiresAtSeconds * 1000)),
    metadata: mergedMetadata(claims.customClaims, claims.metadata),
    visibility: VISIBILITY_NAMES[claims.visibility ?? 'secret'],
  };
}

function apiKeyMembers(key: ApiKey) {
  return {
    key_id: key.keyId,
    actor_id: key.actorId,
    scopes: key.scopes,
    expire_time: nullable(endOfLife(key)),
    metadata: key.metadata ?? null,
    visibility: VISIBILITY_NAMES[key.visibility],
  };
}

function nullable(time: UnixMilliseconds | undefined): string | null {
  return time === undefined ? null : timestamp(time);
}

/** Custom claims lie under the key's metadata: who derives cannot overrule who issued. */
function mergedMetadata(
  customClaims: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | null {
  // Spreading copies own members as own members, `__proto__` too.
  const merged = { ...customClaims, ...metadata };
  return metadata === undefined && Object.keys(merged).length === 0 ? null : merged;
}
