/**
 * The catalogue of reasons for which a credential or a request is refused, for both planes.
 * A reason has exactly one row. `docs/errors.md` explains each; a test compares the two.
 *
 * `wireCode` is the RFC 6750 §3.1 error code, or `null` where that RFC asks for none (no credential
 * at all, or a refusal that is not about the token). `detail` is the public text: it names the rule,
 * never the value that broke it.
 */
interface RefusalRow {
  readonly status: 400 | 401 | 403 | 404 | 413 | 421 | 500 | 502 | 503 | 504;
  readonly wireCode: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | null;
  readonly retryable: boolean;
  readonly detail: string;
}

const token = (detail: string): RefusalRow => ({
  status: 401,
  wireCode: 'invalid_token',
  retryable: false,
  detail,
});

export const REFUSALS = {
  // How the credential was presented (RFC 6750 §2, §3.1).
  credential_missing: {
    status: 401,
    wireCode: null,
    retryable: false,
    detail: 'Send a derived token as "Authorization: Bearer <token>".',
  },
  credential_ambiguous: {
    status: 400,
    wireCode: 'invalid_request',
    retryable: false,
    detail: 'Send exactly one credential, in the Authorization header.',
  },
  credential_scheme_unknown: {
    status: 401,
    wireCode: null,
    retryable: false,
    detail: 'The Authorization scheme must be Bearer.',
  },
  api_key_not_accepted: token(
    'This is an API key. Exchange it at the control plane (POST /oauth2/token) for a token.',
  ),

  // API keys, before any database read.
  api_key_malformed: token('The API key is malformed or its checksum is wrong.'),
  // API keys, after it.
  api_key_unknown: token('There is no such API key.'),
  api_key_revoked: token('The API key has been revoked.'),
  api_key_expired: token('The API key has expired.'),
  api_key_disabled: token('The API key is disabled.'),

  // The form of a JWT (RFC 7515 §7.1, RFC 8725 §3).
  token_malformed: token('The token is not a well-formed JWT in compact form.'),
  token_too_large: token('The token is longer than this server reads.'),
  token_type_unsupported: token('The token is of a kind that is not accepted here.'),
  token_algorithm_unsupported: token('The token names an algorithm that its key does not have.'),
  token_header_unsupported: token('The token header carries a member that is not accepted.'),

  // Its signature (RFC 7515 §5.2).
  signing_key_unknown: token('The token is signed by a key that is not in the feed.'),
  signing_key_not_live: token('The token is signed by a key that is not live.'),
  signature_invalid: token('The signature of the token is invalid.'),
  verification_key_invalid: token('The verification key is malformed or weak.'),

  // Its claims (RFC 7519 §4.1).
  claims_malformed: token('A claim of the token is missing or has the wrong type.'),
  token_expired: token('The token has expired.'),
  token_not_yet_valid: token('The token is not valid yet.'),
  token_lifetime_too_long: token('The lifetime of the token is longer than allowed.'),
  issuer_mismatch: token('The token was issued by another issuer.'),
  audience_mismatch: token('The token is for another audience.'),
  tenant_mismatch: token('The token belongs to another tenant.'),
  token_revoked: token('The token, its key or its actor has been revoked.'),

  // Macaroons: form, discharges, caveats (docs/caveats.md).
  macaroon_malformed: token('The token is not a well-formed macaroon.'),
  discharge_missing: token('A third-party caveat of the token comes without its discharge.'),
  discharge_unused: token('The token comes with a discharge that no caveat asks for.'),
  caveat_unknown: {
    status: 403,
    wireCode: null,
    retryable: false,
    detail: 'The token has a caveat that this server does not know, so it allows nothing here.',
  },
  caveat_not_cleared: {
    status: 403,
    wireCode: null,
    retryable: false,
    detail: 'The request does not satisfy a caveat of the token.',
  },

  // Where it comes from.
  ip_not_allowed: {
    status: 403,
    wireCode: null,
    retryable: false,
    detail: 'The token may not be used from this address.',
  },

  // What the request asks for.
  scope_insufficient: {
    status: 403,
    wireCode: 'insufficient_scope',
    retryable: false,
    detail: 'The token lacks a scope that this route needs.',
  },
  route_unknown: {
    status: 404,
    wireCode: null,
    retryable: false,
    detail: 'No route of this edge matches the request.',
  },
  path_ambiguous: {
    status: 400,
    wireCode: null,
    retryable: false,
    detail: 'The path is encoded in a way that servers read differently.',
  },
  request_malformed: {
    status: 400,
    wireCode: null,
    retryable: false,
    detail: 'The request is not one that this edge passes on.',
  },

  // The feed (docs/feed.md).
  feed_stale: {
    status: 503,
    wireCode: null,
    retryable: true,
    detail: 'The edge has no fresh list of keys and revocations, so it refuses.',
  },
  feed_invalid: {
    status: 503,
    wireCode: null,
    retryable: true,
    detail: 'The feed could not be verified, so the edge refuses.',
  },

  // The origin.
  origin_unreachable: {
    status: 502,
    wireCode: null,
    retryable: true,
    detail: 'The API behind this edge could not be reached.',
  },

  // The edge itself.
  edge_misconfigured: {
    status: 503,
    wireCode: null,
    retryable: true,
    detail: 'This edge is not configured, so it refuses everything. Its log names the settings.',
  },
  edge_failed: {
    status: 500,
    wireCode: null,
    retryable: false,
    detail: 'This edge failed on the request, so it refuses it.',
  },
} as const satisfies Record<string, RefusalRow>;

export type RefusalReason = keyof typeof REFUSALS;

export interface Refusal {
  readonly reason: RefusalReason;
  readonly evidence?: Readonly<Record<string, string | number>>;
}
