/** Guarantee: a secret is printed once and where it was asked for; a slip grants nothing to anybody. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase58 } from '@cardea/shared/bytes/base58';
import { concatBytes } from '@cardea/shared/bytes/framing';
import { parseUuidV4 } from '@cardea/shared/bytes/uuid';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runCli } from '../cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-admins-'));
const asked: Array<{ readonly call: string; readonly token?: string; readonly body: string }> = [];
let answers: unknown[] = [];

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const token = request.headers.authorization ?? '';
  asked.push({ call: `${request.method} ${request.url}`, token, body });
  const answer = answers.shift();
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
  answers = [];
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A credential of nobody: the id and 32 bytes, and a checksum that is only well-formed. */
const OWN_ID = '11111111-2222-4333-8444-555555555555';
const identifier = encodeBase58(concatBytes(parseUuidV4(OWN_ID) as Uint8Array, new Uint8Array(32)));
const OWN = `cardea_admin_v1_${identifier}_${encodeBase58(new Uint8Array(8).fill(255))}`;
const ID = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';
const MADE = { credential_id: ID, name: 'CI', role: 'issuer', expire_time: '2027-01-01T00:00:00Z' };
const SECRET = "cardea_admin_v1_x'y";

async function admins(args: string[], token = 'bootstrap') {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(['admins', ...args], {
    env: { CARDEA_STATE_FOLDER: folder, CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: token },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => undefined,
  });
  return { status, out, err };
}

test.each<[string, string[], RegExp, string?]>([
  ['no role', ['create', 'n'], /--role must be one of owner, operator, issuer, auditor/],
  ['an unknown role', ['create', 'n', '--role', 'root'], /--role must be one of/],
  ['no name', ['create', '--role', 'owner'], /usage: cardea admins create NAME/],
  ['an empty tenant', ['create', 'n', '--role', 'owner', '--tenant', ''], /--tenant is empty/],
  ['an unknown format', ['create', 'n', '--role', 'owner', '--format', 'x'], /--format must be/],
  ['nothing to revoke', ['revoke'], /usage: cardea admins revoke CREDENTIAL_ID/],
  ['an empty id', ['revoke', ''], /CREDENTIAL_ID is empty/],
  ['nothing of its own to rotate', ['rotate'], /name a CREDENTIAL_ID/],
  ['an API key to rotate', ['rotate'], /name a CREDENTIAL_ID/, OWN.replace('cardea_admin', 'ck')],
  ['a format without secrets', ['list', '--format', 'env'], /--format must be one of/],
])('%s is a usage error, and nobody is asked', async (_, ...[args, message, token]) => {
  const { status, err, out } = await admins(args, token);
  expect([status, err.length, out]).toEqual([2, 1, []]);
  expect(err[0]).toMatch(message);
  expect(asked).toEqual([]);
});

test('create sends what was asked for and prints the secret once', async () => {
  answers = [{ admin_credential: MADE, secret: SECRET }];
  const args = ['create', 'CI', '--role', 'issuer', '--tenant', ID, '--ttl', '30d'];
  const { status, out } = await admins(args);
  expect(status).toBe(0);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ call: 'POST /v1/admin/credentials', token: 'Bearer bootstrap' });
  const body = { name: 'CI', role: 'issuer', tenant_id: ID, ttl: '30d' };
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual(body);
  expect(out.filter((line) => line.includes(SECRET))).toEqual([`secret         ${SECRET}`]);
});

test.each([
  ['json', [JSON.stringify({ admin_credential: MADE, secret: SECRET })]],
  [
    'env',
    [
      String.raw`export CARDEA_ADMIN_TOKEN='cardea_admin_v1_x'\''y'`,
      `export CARDEA_ADMIN_CREDENTIAL_ID='${ID}'`,
    ],
  ],
])('--format %s', async (format, lines) => {
  answers = [{ admin_credential: MADE, secret: SECRET }];
  const { out } = await admins(['create', 'CI', '--role', 'issuer', '--format', format]);
  expect(out).toEqual(lines);
  expect(asked[0]?.body).toBe('{"name":"CI","role":"issuer"}');
});

test.each([[{}], [{ admin_credential: MADE }], [{ admin_credential: {}, secret: SECRET }]])(
  'an answer without a credential is a failure: %j',
  async (answer) => {
    answers = [answer];
    const { status, out, err } = await admins(['create', 'CI', '--role', 'issuer']);
    expect([status, out, err.length]).toEqual([1, [], 1]);
  },
);

test('rotate takes the credential in use unless another is named', async () => {
  answers = [1, 2].map(() => ({ admin_credential: MADE, secret: SECRET }));
  const own = await admins(['rotate', '--overlap', '1h'], OWN);
  expect([own.status, own.err]).toEqual([0, []]);
  expect((await admins(['rotate', 'a/b'])).status).toBe(0);
  expect(asked.map(({ call, body }) => [call, body])).toEqual([
    [`POST /v1/admin/credentials/${OWN_ID}:rotate`, '{"overlap":"1h"}'],
    ['POST /v1/admin/credentials/a%2Fb:rotate', '{}'],
  ]);
});

test('revoke ends the one that is named', async () => {
  const { status, out } = await admins(['revoke', ID]);
  expect([status, out]).toEqual([0, [`revoked ${ID}`]]);
  expect(asked[0]?.call).toBe(`POST /v1/admin/credentials/${ID}:revoke`);
});

test('list goes through all pages, one line each, and shows no control characters', async () => {
  const bad = { ...MADE, name: '\u001b[31mred', tenant_id: ID, status: 'active' };
  answers = [
    { admin_credentials: [{ ...MADE, status: 'active' }], next_page_token: 'n+' },
    { admin_credentials: [bad], next_page_token: '' },
  ];
  const { out } = await admins(['list']);
  expect(out).toEqual([
    `${ID}  issuer  active  *  2027-01-01T00:00:00Z  CI`,
    `${ID}  issuer  active  ${ID}  2027-01-01T00:00:00Z  \u{fffd}[31mred`,
  ]);
  expect(asked.map(({ call }) => call)).toEqual([
    'GET /v1/admin/credentials?page_size=1000&page_token=',
    'GET /v1/admin/credentials?page_size=1000&page_token=n%2B',
  ]);
});
