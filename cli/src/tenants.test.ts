/** Guarantee: the commands about tenants send what was written, and refuse what cannot be meant. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from './cli.ts';

const ID = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
const asked: string[] = [];
let answers: unknown[] = [];

const server = createServer(async (request, response) => {
  asked.push(`${request.method} ${request.url} ${await text(request)}`.trim());
  const answer = answers.shift();
  response.statusCode = answer === undefined ? 204 : 200;
  response.end(answer === undefined ? undefined : JSON.stringify(answer));
});

let endpoint = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked.length = 0;
  answers = [];
});
afterAll(() => server.close());

async function tenants(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(['tenants', ...args], {
    env: { CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: 't' },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => undefined,
  });
  return { status, out, err };
}

test.each([
  [['create', 'Acme'], 'POST /v1/admin/tenants {"name":"Acme"}'],
  [
    ['create', 'Acme', '--host', 'a.example', '--host', 'b.example', '--set', 'api_keys_max=5'],
    'POST /v1/admin/tenants {"api_keys_max":"5","hosts":["a.example","b.example"],"name":"Acme"}',
  ],
  [
    ['update', ID, '--set', 'name=A=B', '--set', 'retired_api_key_prefixes=a, b,'],
    `PATCH /v1/admin/tenants/${ID}?update_mask=name%2Cretired_api_key_prefixes ` +
      '{"name":"A=B","retired_api_key_prefixes":["a","b"]}',
  ],
  [
    ['update', ID, '--clear', 'issuer', '--clear', 'hosts'],
    `PATCH /v1/admin/tenants/${ID}?update_mask=issuer%2Chosts {}`,
  ],
  [['get', ID], `GET /v1/admin/tenants/${ID}`],
  [['get', 'a/../b'], 'GET /v1/admin/tenants/a%2F..%2Fb'],
  [['delete', ID], `DELETE /v1/admin/tenants/${ID}`],
  [['delete', ID, '--force'], `DELETE /v1/admin/tenants/${ID}?force=true`],
])('%j asks %s', async (args, expected) => {
  answers = [{ tenant_id: ID }];
  expect((await tenants(...args)).status).toBe(0);
  expect(asked).toEqual([expected]);
});

test('list prints every page', async () => {
  answers = [
    { tenants: [{ tenant_id: '1', name: 'a\u001b', hosts: ['h', 'i'] }], next_page_token: 'n+/=' },
    { tenants: [{ tenant_id: '2', name: 'b', hosts: [] }], next_page_token: '' },
  ];
  const { out } = await tenants('list');
  expect(out).toEqual(['1  a\ufffd  h  i', '2  b']);
  expect(asked[1]).toBe('GET /v1/admin/tenants?page_token=n%2B%2F%3D');
});

test.each([
  [['create', ''], /NAME is empty/],
  [['create'], /usage: cardea tenants create NAME/],
  [['create', 'n', '--set', 'issuer'], /FIELD=VALUE/],
  [['create', 'n', '--set', 'a=1', '--set', 'a=2'], /gives a twice/],
  [['create', 'n', '--host', 'a', '--set', 'hosts=b'], /say the same/],
  [['create', 'n', '--clear', 'issuer'], /takes no --clear/],
  [['update', ID], /nothing to change/],
  [['update', ID, '--set', 'issuer=x', '--clear', 'issuer'], /both set and cleared/],
  [['get', ''], /TENANT_ID is empty/],
  [['delete', ID, '--force', '--host', 'a'], /takes no --host/],
])('%j is a usage error', async (args, message) => {
  const { status, err } = await tenants(...args);
  expect([status, err.length, asked.length]).toEqual([2, 1, 0]);
  expect(err[0]).toMatch(message);
});
