/** Guarantee: whatever a server answers, the user gets one line with its code and nothing unsafe. */

import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callJson } from './control-plane-client.ts';
import { CommandFailed, ControlPlaneRefused } from './failure.ts';

interface Scripted {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
}

let next: Scripted = { status: 200, body: '{}' };
let lastAuthorization: string | undefined;
const server = createServer((request, response) => {
  lastAuthorization = request.headers.authorization;
  if (next.location !== undefined) response.setHeader('location', next.location);
  response.writeHead(next.status).end(next.body);
});
let endpoint = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (typeof address === 'object') endpoint = `http://127.0.0.1:${address?.port}`;
});
afterAll(() => void server.close());

const call = (answer: Scripted) => {
  next = answer;
  return callJson({ endpoint, method: 'GET', path: '/x', adminToken: 'secret-admin-token' });
};

const API_ERROR = {
  error: {
    code: 404,
    message: 'There is no such key.',
    status: 'NOT_FOUND',
    details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_NOT_FOUND' }],
  },
};

/** Stands for a message that holds the server's address, known only later. */
const NOT_JSON = 'not JSON';

const REFUSED: ReadonlyArray<readonly [what: string, answer: Scripted, message: string]> = [
  [
    'an error of the API',
    { status: 404, body: JSON.stringify(API_ERROR) },
    'api_key_not_found: There is no such key. (HTTP 404)',
  ],
  [
    'an error of RFC 6749',
    { status: 401, body: '{"error":"invalid_client","error_description":"No."}' },
    'invalid_client: No. (HTTP 401)',
  ],
  ['no JSON', { status: 502, body: '<html>' }, 'the control plane refused (HTTP 502)'],
  ['another JSON', { status: 500, body: '[1]' }, 'the control plane refused (HTTP 500)'],
  [
    'an empty error',
    { status: 500, body: '{"error":null}' },
    'the control plane refused (HTTP 500)',
  ],
  [
    'text that would drive the terminal',
    { status: 400, body: '{"error":"x","error_description":"\\u001b[2Jgone\\nline"}' },
    'x: \u{fffd}[2Jgone\u{fffd}line (HTTP 400)',
  ],
  ['a page instead of an API', { status: 200, body: '<html>' }, NOT_JSON],
];

test.each(REFUSED)('%s', async (_, answer, message) => {
  const expected =
    message === NOT_JSON
      ? new CommandFailed(`${endpoint} did not answer with JSON: is it a control plane?`)
      : new ControlPlaneRefused(answer.status, message);
  await expect(call(answer)).rejects.toEqual(expected);
});

test('a redirect is not followed: the admin token goes to the named server alone', async () => {
  await expect(call({ status: 302, body: '', location: `${endpoint}/elsewhere` })).rejects.toThrow(
    'cannot reach the control plane',
  );
});

test('an answer is passed on, an empty one as an empty object', async () => {
  expect(await call({ status: 200, body: '{"a":1}' })).toEqual({ a: 1 });
  expect(lastAuthorization).toBe('Bearer secret-admin-token');
  expect(await call({ status: 204, body: '' })).toEqual({});
});
