/** What each page under docs/errors must show of its code, made from the catalogues. */

import { credentialRefusal } from '@cardea/control-plane/api-keys/credential-refusals';
import { PROBLEMS, type ProblemCode, problemResponse } from '@cardea/control-plane/http/problem';
import { OAUTH_ERRORS } from '@cardea/control-plane/routes/oauth2/token-schemas';
import { problemResponse as edgeProblemResponse } from '@cardea/edge-worker/problem';
import { REFUSALS, type RefusalReason } from '@cardea/shared/refusals';

/** With what the token endpoint answers each of its codes (`oauth2/token`). */
const OAUTH_STATUSES: Readonly<Record<(typeof OAUTH_ERRORS)[number], string>> = {
  invalid_request: '400, 413',
  invalid_client: '401',
  unauthorized_client: '400',
  unsupported_grant_type: '400',
  invalid_scope: '400',
  invalid_target: '400',
  temporarily_unavailable: '429, 503',
};

/** Reasons that no answer of the edge has: the control plane's own, or of what edges read. */
export const NOT_OF_THE_EDGE: readonly string[] = [
  'api_key_malformed',
  'api_key_unknown',
  'api_key_revoked',
  'api_key_expired',
  'api_key_disabled',
  'verification_key_invalid',
];

export const ERROR_CODES: readonly string[] = [
  ...new Set([...Object.keys(REFUSALS), ...Object.keys(PROBLEMS), ...OAUTH_ERRORS]),
].sort();

const isRefusal = (code: string): code is RefusalReason => Object.hasOwn(REFUSALS, code);
const isProblem = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);
const isOAuthError = (code: string): code is keyof typeof OAUTH_STATUSES =>
  Object.hasOwn(OAUTH_STATUSES, code);
const isOfTheEdge = (code: string): code is RefusalReason =>
  isRefusal(code) && !NOT_OF_THE_EDGE.includes(code);

/** Title, and where the code is met under which name and status. */
export function headOf(code: string): string {
  return [
    `# \`${code}\``,
    '',
    '| where | HTTP | there |',
    '|---|---|---|',
    ...(isOfTheEdge(code) ? [edgeRow(code)] : []),
    ...(isProblem(code) ? [problemRow(code)] : []),
    ...(isOAuthError(code)
      ? [`| \`POST /oauth2/token\` | ${OAUTH_STATUSES[code]} | \`error\`: \`${code}\` |`]
      : []),
    ...verificationRow(code),
    '',
  ].join('\n');
}

function edgeRow(code: RefusalReason): string {
  const { status, wireCode } = REFUSALS[code];
  const challenge = wireCode === null ? '' : `; \`WWW-Authenticate\`: \`${wireCode}\``;
  return `| edge | ${status} | \`code\`: \`${code}\`${challenge} |`;
}

function problemRow(code: ProblemCode): string {
  const { grpc, status } = PROBLEMS[code];
  const reason = code.toUpperCase();
  return `| REST API | ${status} | \`reason\`: \`${reason}\`, \`status\`: \`${grpc}\` |`;
}

function verificationRow(code: string): string[] {
  if (!isRefusal(code)) return [];
  const { verificationError } = credentialRefusal(code);
  // A reason of requests and feeds, not of credentials.
  if (verificationError === 'INTERNAL') return [];
  return [
    `| \`apiKeys:verify\` | 200 | \`error_code\`: \`VERIFICATION_ERROR_${verificationError}\` |`,
  ];
}

/** The answers that a page shows, as JSON. */
export async function examplesOf(code: string): Promise<readonly unknown[]> {
  const context = { requestId: '…', method: 'GET', realm: 'api', requiredScopes: [] };
  return [
    ...(isOfTheEdge(code) ? [await edgeProblemResponse({ reason: code }, context).json()] : []),
    ...(isProblem(code) ? [await problemResponse({ code }).json()] : []),
  ];
}
