/**
 * The error catalogue of the REST API: one row a code, and the AIP-193 envelope that every answer
 * outside 2xx has (except where RFC 6749 asks for another). Codes, HTTP and gRPC statuses are those
 * of Talos; `message` names the rule that was broken, never the value that broke it.
 */

interface ProblemRow {
  readonly status: 400 | 401 | 402 | 403 | 404 | 409 | 413 | 429 | 500 | 503 | 504;
  /** Name in `google.rpc.Code`. */
  readonly grpc:
    | 'INVALID_ARGUMENT'
    | 'UNAUTHENTICATED'
    | 'PERMISSION_DENIED'
    | 'NOT_FOUND'
    | 'ALREADY_EXISTS'
    | 'FAILED_PRECONDITION'
    | 'RESOURCE_EXHAUSTED'
    | 'INTERNAL'
    | 'UNAVAILABLE'
    | 'DEADLINE_EXCEEDED';
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly message: string;
}

const row = (
  status: ProblemRow['status'],
  grpc: ProblemRow['grpc'],
  message: string,
): ProblemRow => ({ status, grpc, message, retryable: status === 429 || status >= 503 });

export const PROBLEMS = {
  bad_request: row(400, 'INVALID_ARGUMENT', 'The request is malformed.'),
  caveat_not_expressible: row(
    400,
    'INVALID_ARGUMENT',
    'The token has a caveat that one derived from it could not carry.',
  ),
  credential_required: row(400, 'INVALID_ARGUMENT', 'A credential is required.'),
  derived_token_not_revocable: row(
    400,
    'INVALID_ARGUMENT',
    'A derived token cannot revoke itself: revoke its API key.',
  ),
  invalid_api_key_format: row(400, 'INVALID_ARGUMENT', 'The API key is malformed.'),
  invalid_token_type: row(400, 'INVALID_ARGUMENT', 'The token is of a kind not accepted here.'),
  token_too_large: row(400, 'INVALID_ARGUMENT', 'The token would be longer than the limit.'),
  unknown_credential: row(400, 'INVALID_ARGUMENT', 'The credential is of no known kind.'),
  api_key_expired: row(401, 'UNAUTHENTICATED', 'The API key has expired.'),
  api_key_disabled: row(401, 'UNAUTHENTICATED', 'The API key is disabled.'),
  api_key_revoked: row(401, 'UNAUTHENTICATED', 'The API key has been revoked.'),
  parent_key_invalid: row(401, 'UNAUTHENTICATED', 'The parent credential is not valid.'),
  signature_invalid: row(401, 'UNAUTHENTICATED', 'The signature is invalid.'),
  unauthorized: row(401, 'UNAUTHENTICATED', 'A valid admin token is required.'),
  api_key_quota_exceeded: row(402, 'PERMISSION_DENIED', 'The quota of API keys is used up.'),
  discharge_refused: row(403, 'PERMISSION_DENIED', 'What the caveat asks for does not hold.'),
  forbidden: row(403, 'PERMISSION_DENIED', 'The caller may not do this.'),
  ip_not_allowed: row(403, 'PERMISSION_DENIED', 'The credential may not be used from here.'),
  payment_required: row(403, 'PERMISSION_DENIED', 'The plan does not include this.'),
  api_key_not_found: row(404, 'NOT_FOUND', 'There is no such API key.'),
  not_found: row(404, 'NOT_FOUND', 'There is nothing at this path for this method.'),
  api_key_exists: row(409, 'ALREADY_EXISTS', 'The API key exists already.'),
  conflict: row(409, 'ALREADY_EXISTS', 'The request conflicts with the present state.'),
  failed_precondition: row(409, 'FAILED_PRECONDITION', 'The present state does not allow this.'),
  request_too_large: row(413, 'RESOURCE_EXHAUSTED', 'The body is larger than the limit.'),
  too_many_requests: row(429, 'RESOURCE_EXHAUSTED', 'Too many requests.'),
  internal_server_error: row(500, 'INTERNAL', 'An internal error occurred.'),
  service_unavailable: row(503, 'UNAVAILABLE', 'The service is unavailable for the moment.'),
  gateway_timeout: row(504, 'DEADLINE_EXCEEDED', 'A dependency took too long to answer.'),
} as const satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof PROBLEMS;

/**
 * `ErrorInfo.domain` (AIP-193): with `reason` it identifies an error. Talos's own value, because the
 * reasons are Talos's: a client that goes by the pair works unchanged.
 */
export const ERROR_DOMAIN = 'www.ory.com/talos';

/** Something that a route refuses. A value: routes return it, nobody throws it. */
export interface Problem {
  readonly code: ProblemCode;
  /** Public text in place of the row's own. */
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function problemResponse(problem: Problem, headers?: Record<string, string>): Response {
  const { status, grpc, message } = PROBLEMS[problem.code];
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: problem.code.toUpperCase(),
    domain: ERROR_DOMAIN,
    ...(problem.metadata === undefined ? {} : { metadata: problem.metadata }),
  };
  const error = {
    code: status,
    message: problem.message ?? message,
    status: grpc,
    details: [info],
  };
  return Response.json({ error }, { status, headers: headers ?? {} });
}
