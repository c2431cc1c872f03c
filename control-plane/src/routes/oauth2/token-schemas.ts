/** The token endpoint in the OpenAPI document: its form, its answer and its refusals. */

import { z } from 'zod';
import { TOKEN_TYPES } from '../../tokens/token-types.ts';

/** RFC 6749 §4.4.2, and `expires_in`, which is ours. Read by `tokens/exchange-request`. */
export const TokenForm = z.object({
  grant_type: z.enum(['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange']),
  subject_token: z
    .string()
    .meta({ description: 'Of a token exchange (RFC 8693): the derived token.' })
    .optional(),
  subject_token_type: z.enum(TOKEN_TYPES).optional(),
  requested_token_type: z
    .enum(TOKEN_TYPES)
    .meta({ description: 'Absent: a JWT, or what the subject token is.' })
    .optional(),
  audience: z
    .string()
    .meta({ description: "Of a macaroon: one that an edge is registered for. Else the tenant's." })
    .optional(),
  client_secret: z
    .string()
    .meta({ description: 'The API key, unless it comes as the password of HTTP Basic.' })
    .optional(),
  client_id: z.string().meta({ description: "The key's id, or nothing." }).optional(),
  scope: z.string().meta({ description: 'Names with spaces between; absent: all.' }).optional(),
  expires_in: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/)
    .meta({ description: 'Seconds that the token is to live.' })
    .optional(),
});

/** RFC 6749 §5.1. */
export const tokenAnswerSchema = z.strictObject({
  access_token: z.string(),
  issued_token_type: z
    .enum(TOKEN_TYPES)
    .meta({ description: 'Of a token exchange, and where a type is requested.' })
    .optional(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string().meta({ description: 'Absent where there is none.' }).optional(),
});

/** As in RFC 6749 §5.2; §4.1.2.1 has the word for outages, RFC 8693 §2.2.2 that for targets. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'temporarily_unavailable',
] as const;

/** RFC 6749 §5.2. */
export const oauthRefusal = z.strictObject({
  error: z.enum(OAUTH_ERRORS),
  error_description: z.string(),
});
