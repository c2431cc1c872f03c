/**
 * Schemas of what the operations on keys answer, for the OpenAPI document. Tests hold real answers
 * against them: a member that is not here, or is of another type, is found.
 */

import { z } from 'zod';
import { REASON_NAMES, STATUS_NAMES, VISIBILITY_NAMES } from './enums.ts';

const names = (values: Readonly<Record<string, string>>) =>
  z.enum([...new Set(Object.values(values))]);

export const timestampText = () =>
  z.iso.datetime().meta({ description: 'RFC 3339, UTC.', format: 'date-time' });

const rateLimitPolicy = () =>
  z.strictObject({
    quota: z.string().meta({ format: 'int64' }),
    window: z.string().meta({ description: 'A duration like "60s".' }),
    unit: z.literal('requests'),
  });

const metadata = () => z.record(z.string(), z.unknown()).nullable();
const status = () => names(STATUS_NAMES);
const visibility = () => names(VISIBILITY_NAMES);

/** An issued or an imported key. */
export const apiKeyAnswer = z.strictObject({
  key_id: z.string(),
  name: z.string(),
  actor_id: z.string(),
  scopes: z.array(z.string()),
  metadata: metadata(),
  status: status(),
  create_time: timestampText(),
  update_time: timestampText(),
  expire_time: timestampText().optional(),
  last_used_time: timestampText().optional(),
  rate_limit_policy: rateLimitPolicy().optional(),
  revocation_reason: names(REASON_NAMES).optional(),
  revocation_description: z.string().optional(),
  ip_restriction: z.strictObject({ allowed_cidrs: z.array(z.string()) }).optional(),
  visibility: visibility(),
  disable_time: timestampText().optional(),
  overlap_end_time: timestampText().optional(),
});

export const issueAnswer = z.strictObject({
  issued_api_key: apiKeyAnswer,
  secret: z.string().meta({ description: 'The key itself, shown once; empty on a replay.' }),
});

export const rotateAnswer = z.strictObject({
  issued_api_key: apiKeyAnswer,
  secret: z.string(),
  old_issued_api_key: apiKeyAnswer,
});

const nextPageToken = () => z.string().meta({ description: 'Empty on the last page.' });

export const issuedApiKeysAnswer = z.strictObject({
  issued_api_keys: z.array(apiKeyAnswer),
  next_page_token: nextPageToken(),
});

export const importedApiKeysAnswer = z.strictObject({
  imported_api_keys: z.array(apiKeyAnswer),
  next_page_token: nextPageToken(),
});

const BATCH_ERROR = 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_';

export const batchCreateAnswer = z.strictObject({
  results: z.array(
    z.strictObject({
      index: z.int(),
      imported_api_key: apiKeyAnswer.nullable().optional(),
      error_code: z.string().startsWith(BATCH_ERROR).optional(),
      error_message: z.string().optional(),
    }),
  ),
  success_count: z.int(),
  failure_count: z.int(),
});

export const verifyAnswer = z.strictObject({
  is_valid: z.boolean(),
  key_id: z.string(),
  actor_id: z.string(),
  scopes: z.array(z.string()),
  expire_time: timestampText().nullable(),
  metadata: metadata(),
  visibility: z.enum(['KEY_VISIBILITY_UNSPECIFIED', ...Object.values(VISIBILITY_NAMES)]),
  issuer: z.string(),
  status: z.enum(['KEY_STATUS_UNSPECIFIED', ...Object.values(STATUS_NAMES)]),
  error_code: z.string().startsWith('VERIFICATION_ERROR_').optional(),
  error_message: z.string().optional(),
  rate_limit_policy: rateLimitPolicy().optional(),
  rate_limit_remaining: z.string().meta({ format: 'int64' }).optional(),
  rate_limit_reset_time: timestampText().optional(),
});

export const batchVerifyAnswer = z.strictObject({ results: z.array(verifyAnswer) });

/** Its `Cardea-Revocation` header says how far it is. */
export const selfRevokeAnswer = z.strictObject({});

export const deriveAnswer = z.strictObject({
  token: z.strictObject({
    token: z.string(),
    expire_time: timestampText(),
    scopes: z.array(z.string()),
    claims: z.record(z.string(), z.unknown()),
  }),
});

/** RFC 7518 §6, RFC 8037 §2: which of them a key has, its `kty` says. No private one is among them. */
export const publicJwkMembers = () => ({
  kty: z.enum(['OKP', 'EC', 'RSA']),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
});

const jwk = z.strictObject({
  ...publicJwkMembers(),
  kid: z.string(),
  alg: z.string(),
  use: z.literal('sig'),
});

/** `keys` as in RFC 7517 §5; `jwks` for Talos's client. */
export const jwksAnswer = z.strictObject({
  keys: z.array(jwk),
  jwks: z.strictObject({ keys: z.array(jwk) }),
});
