import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROBLEMS, type ProblemCode, problemResponse } from './problem.ts';

test('a problem is an AIP-193 envelope', async () => {
  const response = problemResponse({ code: 'conflict', metadata: { key_id: 'x' } }, { 'X-A': 'b' });
  expect(response.status).toBe(409);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('x-a')).toBe('b');
  expect(await response.json()).toEqual({
    error: {
      code: 409,
      message: PROBLEMS.conflict.message,
      status: 'ALREADY_EXISTS',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'CONFLICT',
          domain: 'www.ory.com/talos',
          metadata: { key_id: 'x' },
        },
      ],
    },
  });
});

test('every code answers with its own row', async () => {
  for (const [code, row] of Object.entries(PROBLEMS)) {
    const response = problemResponse({ code: code as ProblemCode });
    const { error } = await response.json();
    expect(response.status).toBe(row.status);
    expect(error).toMatchObject({ code: row.status, message: row.message, status: row.grpc });
    expect(error.details[0].reason).toBe(code.toUpperCase());
  }
});

/** talos-api, §8: what a client of that API may rely on. */
test.each([
  ['bad_request', 400, 'INVALID_ARGUMENT'],
  ['credential_required', 400, 'INVALID_ARGUMENT'],
  ['derived_token_not_revocable', 400, 'INVALID_ARGUMENT'],
  ['api_key_expired', 401, 'UNAUTHENTICATED'],
  ['api_key_revoked', 401, 'UNAUTHENTICATED'],
  ['parent_key_invalid', 401, 'UNAUTHENTICATED'],
  ['unauthorized', 401, 'UNAUTHENTICATED'],
  ['api_key_quota_exceeded', 402, 'PERMISSION_DENIED'],
  ['forbidden', 403, 'PERMISSION_DENIED'],
  ['ip_not_allowed', 403, 'PERMISSION_DENIED'],
  ['payment_required', 403, 'PERMISSION_DENIED'],
  ['api_key_not_found', 404, 'NOT_FOUND'],
  ['not_found', 404, 'NOT_FOUND'],
  ['api_key_exists', 409, 'ALREADY_EXISTS'],
  ['conflict', 409, 'ALREADY_EXISTS'],
  ['failed_precondition', 409, 'FAILED_PRECONDITION'],
  ['too_many_requests', 429, 'RESOURCE_EXHAUSTED'],
  ['internal_server_error', 500, 'INTERNAL'],
  ['service_unavailable', 503, 'UNAVAILABLE'],
  ['gateway_timeout', 504, 'DEADLINE_EXCEEDED'],
] as const)('%s is %d %s', (code, status, grpc) =>
  expect(PROBLEMS[code]).toMatchObject({ status, grpc }),
);

test('only what may pass by itself is called retryable', () => {
  const retryable = Object.entries(PROBLEMS).filter(([, row]) => row.retryable);
  expect(retryable.map(([code]) => code)).toEqual([
    'too_many_requests',
    'service_unavailable',
    'gateway_timeout',
  ]);
});

test('docs/errors.md has exactly these codes, as they are', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const documented = [
    ...text.matchAll(/^\| \[`([A-Z_]+)`\]\(\S+\) \| (\d+) \| `([A-Z_]+)` \| (yes|no) \|/gm),
  ];
  expect(documented.map(([, ...columns]) => columns.join(' '))).toEqual(
    Object.entries(PROBLEMS).map(([code, { status, grpc, retryable }]) =>
      [code.toUpperCase(), status, grpc, retryable ? 'yes' : 'no'].join(' '),
    ),
  );
});
