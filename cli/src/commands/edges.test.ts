/** Guarantee: an edge's secret is printed once and where it was asked for; a slip registers nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runCli } from '../cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-edges-'));
const asked: Array<{ readonly call: string; readonly body: string }> = [];
let answer: unknown;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  asked.push({ call: `${request.method} ${request.url}`, body });
  response.statusCode = answer === undefined ? 204 : 200;
  response.end(answer === undefined ? undefined : JSON.stringify(answer));
});

let endpoint = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  asked.length = 0;
  answer = undefined;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const ID = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';
const EDGE = { edge_id: ID, name: 'fra', status: 'active', tenants: ['t', 'u'], audiences: ['a'] };
const CREATE = ['create', 'fra', '--tenants', 't, u', '--audiences', 'a'];

async function edges(args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(['edges', ...args], {
    env: { CARDEA_STATE_FOLDER: folder, CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: 'admin' },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => undefined,
  });
  return { status, out, err };
}

test.each<[string, string[], RegExp]>([
  ['no name', ['create', '--tenants', 't', '--audiences', 'a'], /usage: cardea edges create NAME/],
  ['no tenants', ['create', 'n', '--audiences', 'a'], /--tenants is required/],
  [
    'empty tenants',
    ['create', 'n', '--tenants', ' ,', '--audiences', 'a'],
    /--tenants is required/,
  ],
  ['no audiences', ['create', 'n', '--tenants', 't'], /--audiences is required/],
  ['an unknown format', [...CREATE, '--format', 'x'], /--format must be/],
  ['an empty id to get', ['get', ''], /EDGE_ID is empty/],
  ['an empty id to rotate', ['rotate', ''], /EDGE_ID is empty/],
  ['an empty id to revoke', ['revoke', ''], /EDGE_ID is empty/],
  ['nothing to rotate', ['rotate'], /usage: cardea edges rotate EDGE_ID/],
  ['secrets of all', ['list', '--format', 'env'], /--format must be one of/],
])('%s is a usage error, and nobody is asked', async (_, args, message) => {
  const { status, err, out } = await edges(args);
  expect([status, err.length, out]).toEqual([2, 1, []]);
  expect(err[0]).toMatch(message);
  expect(asked).toEqual([]);
});

test('create sends what was asked for and prints the secret once', async () => {
  answer = { edge: EDGE, secret: 'SECRET' };
  const { status, out } = await edges(CREATE);
  expect(status).toBe(0);
  const body = JSON.stringify({ name: 'fra', tenants: ['t', 'u'], audiences: ['a'] });
  expect(asked).toEqual([{ call: 'POST /v1/admin/edges', body }]);
  expect(out.filter((line) => line.includes('SECRET'))).toHaveLength(1);
});

test('rotate prints the settings of the edge for a shell', async () => {
  answer = { edge: EDGE, secret: "S'" };
  const { status, out } = await edges(['rotate', 'a/b', '--overlap', '1h', '--format', 'env']);
  expect(status).toBe(0);
  expect(asked).toEqual([{ call: 'POST /v1/admin/edges/a%2Fb:rotate', body: '{"overlap":"1h"}' }]);
  expect(out).toEqual([`export EDGE_ID='${ID}'`, String.raw`export EDGE_SECRET='S'\'''`]);
});

test.each([[{}], [{ edge: EDGE }], [{ edge: {}, secret: 'SECRET' }]])(
  'an answer without an edge and its secret is a failure: %j',
  async (incomplete) => {
    answer = incomplete;
    const { status, out, err } = await edges(CREATE);
    expect([status, out, err.length]).toEqual([1, [], 1]);
  },
);

test('list prints a line each, and shows no control characters', async () => {
  answer = { edges: [EDGE, { ...EDGE, name: '\u001b[31mred' }] };
  const { out } = await edges(['list']);
  expect(out).toEqual([`${ID}  active  fra  t,u  a`, `${ID}  active  \u{fffd}[31mred  t,u  a`]);
});

test('get and revoke name the edge', async () => {
  answer = EDGE;
  expect((await edges(['get', 'a/b', '--format', 'json'])).out).toEqual([JSON.stringify(EDGE)]);
  answer = undefined;
  expect((await edges(['revoke', ID])).out).toEqual([`revoked ${ID}`]);
  expect(asked.map(({ call }) => call)).toEqual([
    ...['GET /v1/admin/edges/a%2Fb', `POST /v1/admin/edges/${ID}:revoke`],
  ]);
});
