/** Guarantee: the commands that revoke ask for exactly what they say, and nothing by mistake. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runCli } from '../cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-revoke-'));

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly tenant: string | undefined;
  readonly body: string;
}

const asked: Asked[] = [];
let answers: Record<string, unknown> = {};

const server: Server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    const tenant = headers['cardea-tenant'];
    asked.push({ method, url, tenant: tenant === undefined ? undefined : String(tenant), body });
    const [path = ''] = url.split('?');
    const answer = answers[path];
    response.statusCode = answer === undefined ? 401 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer ?? {}));
  });
});

let endpoint = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  asked.length = 0;
  answers = {};
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function cardea(args: readonly string[], input?: string) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(args, {
    env: { CARDEA_STATE_FOLDER: folder, CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: 't' },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => input,
  });
  return { status, out, err };
}

const REVOCATIONS = '/v1/admin/revocations';
const JTI = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
const JWT = `h.${Buffer.from(JSON.stringify({ jti: JTI })).toString('base64url')}.s`;

interface Besides {
  readonly tenant?: string;
  readonly input?: string;
}

test.each<[readonly string[], object, Besides?]>([
  [['token', JTI, '--reason', 'in a log'], { target: 'token', subject: JTI, reason: 'in a log' }],
  [['token', '-'], { target: 'token', subject: JTI }, { input: `${JWT}\n` }],
  [['key', 'k', '--request-id', 'r'], { target: 'key', subject: 'k', request_id: 'r' }],
  [['key', 'k', '--cut-off'], { target: 'key', subject: 'k', extent: 'cut_off' }],
  [
    ['key', 'k', '--until', '2026-01-31'],
    { target: 'key', subject: 'k', extent: 'cut_off', cut_off_time: '2026-01-31T00:00:00Z' },
  ],
  [['actor', 'ada', '--tenant', 't1'], { target: 'actor', subject: 'ada' }, { tenant: 't1' }],
  [['tenant', 't2'], { target: 'tenant', subject: 't2' }, { tenant: 't2' }],
  [['signing-key', 'kid'], { target: 'signing_key', subject: 'kid' }],
  [['everything', '--force'], { target: 'everything' }],
])('revoke %j asks for %j', async (args, body, { input, tenant } = {}) => {
  answers = { [REVOCATIONS]: { revocation_id: 'r1', status: 'acknowledged' } };
  const { status, out, err } = await cardea(['revoke', ...args], input);
  expect([status, err]).toEqual([0, []]);
  expect(out).toEqual(['revocation_id  r1', 'status         acknowledged']);
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([`POST ${REVOCATIONS}`]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual(body);
  expect(asked[0]?.tenant).toBe(tenant);
});

test.each([
  ['everything without --force', ['revoke', 'everything'], /give --force/],
  ['no token on standard input', ['revoke', 'token', '-'], /no token with a jti/],
  ['no tenant', ['revoke', 'tenant', ''], /TENANT_ID is empty/],
  ['a cut-off of a token', ['revoke', 'token', JTI, '--cut-off'], /takes no --cut-off/],
  ['a tenant of a tenant', ['revoke', 'tenant', 't', '--tenant', 'u'], /takes no --tenant/],
  ['too many', ['revoke', 'key', 'a', 'b'], /usage: cardea revoke key KEY_ID/],
  ['nothing', ['revoke'], /there is no command/],
  ['no revocation', ['revocations', 'get', ''], /REVOCATION_ID is empty/],
  ['too long a list', ['revocations', 'list', '--limit', '1001'], /--limit must be/],
  ['an unknown format', ['feed', '--format', 'env'], /--format must be one of/],
  ['a canary without an edge', ['feed', 'canary'], /--url is needed/],
  ['an interval that is none', ['feed', 'canary', '--every', '60'], /--every must be a duration/],
  ['no rounds', ['feed', 'canary', '--count', '0'], /--count must be a number/],
  ['a bound that is none', ['feed', 'canary', '--url', 'http://x', '--bound', '-1s'], /--bound/],
])('%s is a usage error', async (_, args, message) => {
  const { status, err } = await cardea(args);
  expect([status, err.length]).toEqual([2, 1]);
  expect(err[0]).toMatch(message);
  expect(asked).toEqual([]);
});

test('revocations are listed one a line, by what is asked for', async () => {
  const row = {
    ...{ revocation_id: 'r1', create_time: '2026-01-31T12:00:00Z', status: 'published' },
    ...{ target: 'token', subject: 'j\u001b[31m', extent: 'for_good', cause: 'revocation.create' },
  };
  answers = { [REVOCATIONS]: { revocations: [row], next_page_token: '' } };
  const options = ['--status', 'published', '--since', '2026-01-31', '--target', 'token'];
  const { out } = await cardea(['revocations', 'list', 'a"b', ...options, '--limit', '7']);
  expect(out).toEqual([
    '2026-01-31T12:00:00Z  published  token  j\ufffd[31m  for_good  revocation.create  r1',
  ]);
  const query = new URL(asked[0]?.url ?? '', endpoint).searchParams;
  expect(Object.fromEntries(query)).toEqual({
    page_size: '7',
    filter:
      'subject="a\\"b" AND target="token" AND status="published" AND create_time>="2026-01-31T00:00:00Z"',
  });
});

test('the feed is shown one fact a line', async () => {
  answers = {
    '/v1/admin/feed': {
      environment_id: 'prod',
      head: {
        ...{ seq: '9', age_seconds: 1.26, bytes: 700, entries: 5, tail_entries: 2 },
        segments: [{ hash: 'h', entries: 3, bytes: 36 }],
      },
      publication: { seq: '8', age_seconds: 31, failures: 2, last_error: 'KvRestFailed' },
      lanes: { kv: true, http: true },
      bounds: { revocation_bound_seconds: 180 },
      edges: [{ edge: 'fra-1', seq: '7', age_seconds: 4, behind_seconds: 2 }],
    },
  };
  expect((await cardea(['feed'])).out).toEqual([
    'environment prod',
    'head        seq 9, 1.3 s ago, 700 bytes',
    'entries     5, of these 2 in the head',
    'segments    1, 36 bytes',
    'published   seq 8, 31 s ago',
    'failures    2 in a row: KvRestFailed',
    'lanes       KV, HTTP',
    'bound       180 s',
    'edge        fra-1: seq 7, 2 s behind, seen 4 s ago',
  ]);
  answers = { '/v1/admin/feed': { environment_id: 'new', publication: { failures: 0 } } };
  expect((await cardea(['feed'])).out).toContain('head        none yet');
});

test('a canary at a URL that lets everybody in would see nothing, and says so', async () => {
  answers = { '/open': {} };
  const { status, err } = await cardea(['feed', 'canary', '--url', `${endpoint}/open`]);
  expect(status).toBe(1);
  expect(err).toEqual([expect.stringContaining('answered 200 to a call without a token')]);
});
