/**
 * Guarantee: the commands about keys send what was written, keep credentials off the command line,
 * and let no slip lift a restriction.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../cli.ts';

const ID = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
const IMPORTED = '0123456789abcdef'.repeat(4);
const ISSUED_KEYS = '/v2alpha1/admin/issuedApiKeys';
const IMPORTED_KEYS = '/v2alpha1/admin/importedApiKeys';
const FUTURE = '2027-01-01T00:00:00Z';

interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const folder = mkdtempSync(join(tmpdir(), 'cardea-keys-'));
const asked: Array<{ readonly call: string; readonly body?: unknown; readonly token?: string }> =
  [];
let answers: Scripted[] = [];

const server = createServer(async (request, response) => {
  const sent = await text(request);
  asked.push({
    call: `${request.method} ${request.url}`,
    ...(sent === '' ? {} : { body: JSON.parse(sent) }),
    ...(request.headers.authorization === undefined
      ? {}
      : { token: request.headers.authorization }),
  });
  const { status = 200, headers = {}, body } = answers.shift() ?? {};
  response.writeHead(status, headers).end(body === undefined ? undefined : JSON.stringify(body));
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
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

async function cardea(args: readonly string[], { env = {}, input }: Surroundings = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(args, {
    env: {
      ...{ CARDEA_STATE_FOLDER: folder, CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: 't' },
      ...env,
    },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => input,
  });
  return { status, out, err };
}

const keys = (args: readonly string[], surroundings?: Surroundings) =>
  cardea(['keys', ...args], surroundings);

const NEW = ['--actor', 'a'];
const LIMIT = ['--rate-limit-quota', '100', '--rate-limit-window', '5m'];

test.each<[args: string[], call: string, body?: unknown]>([
  [['get', ID], `GET ${ISSUED_KEYS}/${ID}`],
  [['get', IMPORTED], `GET ${IMPORTED_KEYS}/${IMPORTED}`],
  [['list'], `GET ${ISSUED_KEYS}`],
  [
    ['list', '--imported', '--page-size', '2', '--page-token', 'n+/='],
    `GET ${IMPORTED_KEYS}?page_size=2&page_token=n%2B%2F%3D`,
  ],
  [
    ['list', '--actor', 'a" OR "\\', '--status', 'disabled'],
    `GET ${ISSUED_KEYS}?${new URLSearchParams({
      filter: String.raw`actor_id="a\" OR \"\\" AND status=KEY_STATUS_DISABLED`,
    })}`,
  ],
  [
    ['update', ID, '--name', 'n', '--scopes', 'a, b,', '--metadata', '{"k":1}'],
    `PATCH ${ISSUED_KEYS}/${ID}?update_mask=name%2Cscopes%2Cmetadata`,
    { name: 'n', scopes: ['a', 'b'], metadata: { k: 1 } },
  ],
  [
    ['update', IMPORTED, '--allowed-cidrs', '10.0.0.0/8,::1/128', ...LIMIT, '--revoke-derived'],
    `PATCH ${IMPORTED_KEYS}/${IMPORTED}?update_mask=ip_restriction%2Crate_limit_policy&revoke_derived=true`,
    {
      ip_restriction: { allowed_cidrs: ['10.0.0.0/8', '::1/128'] },
      rate_limit_policy: { quota: '100', window: '300s' },
    },
  ],
  [
    ['update', ID, '--scopes', '', '--update-mask', 'scopes,ipRestriction.allowedCidrs'],
    `PATCH ${ISSUED_KEYS}/${ID}?update_mask=scopes%2CipRestriction.allowedCidrs`,
    { scopes: [] },
  ],
  [['enable', ID], `POST ${ISSUED_KEYS}/${ID}:enable`, {}],
  [['disable', IMPORTED], `POST ${IMPORTED_KEYS}/${IMPORTED}:disable`, {}],
  [['delete', IMPORTED], `DELETE ${IMPORTED_KEYS}/${IMPORTED}`],
  [
    ['import', 'n', ...NEW, '--raw-key-sha256', IMPORTED, '--ttl', '90d', '--request-id', 'r'],
    `POST ${IMPORTED_KEYS}`,
    {
      ...{ name: 'n', actor_id: 'a', scopes: [], ttl: '90d', request_id: 'r' },
      raw_key_sha256: IMPORTED,
    },
  ],
])('%j asks for it', async (args, call, body) => {
  answers = [{ body: {} }];
  expect(await keys(args)).toMatchObject({ status: 0, err: [] });
  expect(asked).toEqual([{ call, ...(body === undefined ? {} : { body }), token: 'Bearer t' }]);
});

test.each<[what: string, args: string[], message: RegExp, surroundings?: Surroundings]>([
  ['a key id that is none', ['get', 'x/../y'], /KEY_ID must be a UUID/],
  ['an empty key id', ['disable', ''], /KEY_ID must be a UUID/],
  ['rotating an imported key', ['rotate', IMPORTED], /only issued ones can be rotated/],
  ['deleting an issued key', ['delete', ID], /only imported ones can be deleted/],
  ['an unknown status', ['list', '--status', 'lost'], /--status must be one of active, disabled/],
  ['a page without end', ['list', '--page-size', '1001'], /--page-size must be a number from 1/],
  ['no change', ['update', ID], /nothing to change/],
  ['an empty mask', ['update', ID, '--update-mask', ','], /nothing to change/],
  [
    'a field beside the mask',
    ['update', ID, '--name', 'n', '--update-mask', 'scopes'],
    /name is given, but not in --update-mask/,
  ],
  ['ranges that are empty', ['update', ID, '--allowed-cidrs', ' '], /--allowed-cidrs is empty/],
  ['half a rate limit', ['rotate', ID, '--rate-limit-quota', '5'], /go together/],
  ['the other half', ['issue', 'n', ...NEW, '--rate-limit-window', '5s'], /go together/],
  ['no quota', ['issue', 'n', ...NEW, ...LIMIT.with(1, '0')], /quota must be a number/],
  ['a window in no unit', ['issue', 'n', ...NEW, ...LIMIT.with(3, '60')], /window must be like/],
  ['an unknown visibility', ['issue', 'n', ...NEW, '--visibility', 'x'], /must be one of secret/],
  ['an empty request id', ['issue', 'n', ...NEW, '--request-id', ''], /--request-id is empty/],
  ['an import without actor', ['import', 'n'], /--actor is required/, { input: 'k' }],
  ['an import without a key', ['import', 'n', ...NEW], /no key on standard input/],
  ['an import of nothing', ['import', 'n', ...NEW], /no key on standard/, { input: '\r\n' }],
  ['an import of two lines', ['import', 'n', ...NEW], /more than one line/, { input: 'k\nl\n' }],
  ['an import of no UTF-8', ['import', 'n', ...NEW], /not UTF-8/, { input: 'k\u{fffd}' }],
  ['a hash that is none', ['import', 'n', ...NEW, '--raw-key-sha256', 'ab'], /64 hexadecimal/],
  ['a raw key as operand', ['import', 'n', 'raw', ...NEW], /usage: cardea keys import NAME/],
  ['a raw key as option', ['import', 'n', ...NEW, '--raw-key', 'k'], /Unknown option/],
  ['a batch without a file', ['import-batch'], /--file is required/],
  ['a credential as operand', ['derive', 'ck_v1_x'], /does not go on the command line/],
  ['the same for ending it', ['self-revoke', 'ck_v1_x'], /does not go on the command line/],
  ['no credential', ['derive'], /no credential/],
  ['an empty one', ['self-revoke'], /no credential/, { env: { CARDEA_API_KEY: ' ' }, input: '' }],
  ['every scope by a slip', ['derive', '--scopes', ''], /--scopes is empty/, { input: 'k' }],
  ['claims that are a list', ['derive', '--claims', '[]'], /--claims must be a JSON object/],
  [
    'an unknown algorithm',
    ['derive', '--algorithm', 'none'],
    /--algorithm must be jwt or macaroon/,
  ],
  [
    'a reason for admins',
    ['self-revoke', '--reason', 'privilege_withdrawn'],
    /--reason must be one of/,
  ],
])('%s is a usage error, and nobody is asked', async (_, ...[args, message, surroundings]) => {
  const { status, err, out } = await keys(args, surroundings);
  expect([status, err.length, out]).toEqual([2, 1, []]);
  expect(err[0]).toMatch(message);
  expect(err[0]).not.toContain('ck_v1_x');
  expect(asked).toEqual([]);
});

const KEY = { key_id: ID, name: 'n', actor_id: 'a', scopes: ['s'], expire_time: FUTURE };

test('issue sends every option, with a life of a day unless told otherwise', async () => {
  answers = [{ body: { issued_api_key: KEY, secret: "s'1" } }];
  const args = ['--visibility', 'public', '--request-id', 'r', '--allowed-cidrs', '::/0', ...LIMIT];
  const { out } = await keys(['issue', 'n', ...NEW, ...args, '--format', 'env']);
  expect(out).toEqual([String.raw`export CARDEA_API_KEY='s'\''1'`, `export CARDEA_KEY_ID='${ID}'`]);
  expect(asked[0]?.body).toEqual({
    ...{ name: 'n', actor_id: 'a', scopes: [], ttl: '24h', request_id: 'r' },
    ip_restriction: { allowed_cidrs: ['::/0'] },
    rate_limit_policy: { quota: '100', window: '300s' },
    visibility: 'KEY_VISIBILITY_PUBLIC',
  });
});

test('a repeated request says that its secret is gone, and sets no empty variable', async () => {
  const replayed = { body: { issued_api_key: KEY, secret: '' } };
  answers = [replayed, replayed];
  const table = await keys(['issue', 'n', ...NEW, '--request-id', 'r']);
  expect([table.status, table.err.length]).toEqual([0, 1]);
  expect(table.out.join()).not.toContain('secret');
  const env = await keys(['issue', 'n', ...NEW, '--request-id', 'r', '--format', 'env']);
  expect([env.status, env.out]).toEqual([1, []]);
  expect(env.err[0]).toContain('stored nowhere');
});

test('rotate prints the new secret once, and until when the old key lives', async () => {
  const old = { key_id: 'old', overlap_end_time: FUTURE };
  answers = [{ body: { issued_api_key: KEY, secret: 's2', old_issued_api_key: old } }];
  const { out } = await keys(['rotate', ID, '--overlap', '1h', '--visibility', 'secret']);
  expect(out.filter((line) => line.includes('s2'))).toHaveLength(1);
  expect(out).toContain(`old_key_end_time  ${FUTURE}`);
  expect(asked).toMatchObject([
    {
      call: `POST ${ISSUED_KEYS}/${ID}:rotate`,
      body: { overlap: '1h', visibility: 'KEY_VISIBILITY_SECRET' },
    },
  ]);
});

test('list prints a line for each key, and how to go on', async () => {
  const page = {
    issued_api_keys: [{ ...KEY, name: 'n\u001b', status: 'KEY_STATUS_ACTIVE' }],
    next_page_token: 'more',
  };
  answers = [{ body: page }, { body: page }, { body: { imported_api_keys: [{ key_id: 'i' }] } }];
  const { err, out } = await keys(['list']);
  expect(out).toEqual([`${ID}  n\ufffd  a  active  ${FUTURE}`]);
  expect(err).toEqual(['cardea: there are more: --page-token more']);
  const json = await keys(['list', '--format', 'json']);
  expect([JSON.parse(json.out.join('')), json.err]).toEqual([page, []]);
  expect((await keys(['list', '--imported'])).out[0]).toMatch(/^i /);
});

test('import takes a line as it is, and passes on what the server remarks', async () => {
  answers = [{ body: { key_id: IMPORTED }, headers: { 'Cardea-Warning': 'raw_key: weak' } }];
  const { err, out, status } = await keys(['import', 'n', ...NEW], { input: ' a b \r\n' });
  expect([status, out, err]).toEqual([
    0,
    [`key_id  ${IMPORTED}`],
    ['cardea: warning: raw_key: weak'],
  ]);
  expect(asked[0]?.body).toMatchObject({ raw_key: ' a b ' });
});

test('derive asks for a macaroon by its name', async () => {
  answers = [{ body: { token: { token: 'mc_v1_x' } } }];
  const args = ['derive', '--algorithm', 'macaroon', '--audience', 'https://a'];
  const { out } = await keys(args, { env: { CARDEA_API_KEY: 'k' } });
  expect(out).toEqual(['mc_v1_x']);
  const algorithm = 'TOKEN_ALGORITHM_MACAROON';
  expect(asked[0]?.body).toEqual({ credential: 'k', algorithm, audience: 'https://a' });
});

test.each<[what: string, args: string[], credential: string]>([
  ['the environment', [], 'from-env'],
  ['standard input, where asked for', ['-'], 'from-input'],
])('a credential comes from %s', async (_, operands, credential) => {
  const surroundings = { env: { CARDEA_API_KEY: 'from-env' }, input: 'from-input\n' };
  answers = [{ body: { token: { token: 'ey' } } }, {}];
  const terms = ['--scopes', 'a', '--ttl', '10m', '--claims', '{"c":1}'];
  expect((await keys(['derive', ...operands, ...terms], surroundings)).out).toEqual(['ey']);
  const reason = ['--reason', 'superseded'];
  const ended = await keys(['self-revoke', ...operands, ...reason], surroundings);
  expect(ended.out).toEqual(['revoked']);
  expect(asked).toEqual([
    {
      call: 'POST /v2alpha1/admin/apiKeys:derive',
      token: 'Bearer t',
      body: {
        ...{ credential, algorithm: 'TOKEN_ALGORITHM_JWT', ttl: '10m', scopes: ['a'] },
        custom_claims: { c: 1 },
      },
    },
    {
      // Without the admin token: this one goes to the public part.
      call: 'POST /v2alpha1/apiKeys:selfRevoke',
      body: { credential, reason: 'REVOCATION_REASON_SUPERSEDED' },
    },
  ]);
});

test('signing keys are listed and replaced', async () => {
  const key = { kid: 'k', algorithm: 'ES256', state: 'pending', jwk: { kty: 'EC' } };
  answers = [
    { body: { signing_keys: [{ ...key, activate_time: FUTURE }] } },
    { body: { signing_key: key } },
  ];
  expect((await cardea(['signing-keys', 'list'])).out).toEqual([`k  ES256  pending  ${FUTURE}  -`]);
  const { out } = await cardea(['signing-keys', 'rotate', '--algorithm', 'ES256']);
  expect(out).toEqual(['kid        k', 'algorithm  ES256', 'state      pending']);
  expect(asked[1]).toMatchObject({
    call: 'POST /v1/admin/signingKeys:rotate',
    body: { algorithm: 'ES256' },
  });
  expect((await cardea(['signing-keys', 'rotate', '--algorithm', 'none'])).status).toBe(2);
  expect(asked).toHaveLength(2);
});

const imported = (index: number) => ({
  index,
  imported_api_key: { key_id: `id-${index}`, name: 'n' },
});
const EXISTS = {
  index: 1,
  error_code: 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_ALREADY_EXISTS',
  error_message: 'It exists.',
};
const refusal = (status: number) => ({ status, body: { error: { message: 'No.' } } });
const requestsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `${i}` }));

test.each([
  ['an array', JSON.stringify(requestsOf(2), null, 2)],
  ['lines', '{"name":"0"}\r\n\n{"name":"1"}\n'],
])('import-batch reads %s, and fails if one key failed', async (_, input) => {
  const path = join(folder, 'keys');
  writeFileSync(path, input);
  answers = [
    { body: { results: [imported(0), EXISTS] } },
    { body: { results: [imported(0), EXISTS] } },
  ];
  const { err, out, status } = await keys(['import-batch', '--file', path]);
  expect(out).toEqual(['0  id-0  n', '1  ALREADY_EXISTS  It exists.']);
  expect([status, err]).toEqual([1, ['cardea: 1 imported, 1 failed']]);
  const json = await keys(['import-batch', '--file', '-', '--format', 'json'], { input });
  expect(json.out.map((line) => JSON.parse(line))).toEqual([imported(0), EXISTS]);
  const call = `POST ${IMPORTED_KEYS}:batchCreate`;
  expect(asked).toMatchObject(Array(2).fill({ call, body: { requests: requestsOf(2) } }));
});

test('import-batch goes on after a batch of which nothing was imported', async () => {
  answers = [refusal(409), { body: { results: [imported(0)] } }];
  const input = JSON.stringify(requestsOf(501));
  const { err, out, status } = await keys(['import-batch', '--file', '-'], { input });
  expect(out).toEqual(['0-499  none imported: No. (HTTP 409)', '500  id-0  n']);
  expect([status, err]).toEqual([1, ['cardea: 1 imported, 500 failed']]);
});

test('import-batch cuts by size too, and is done when every key was imported', async () => {
  const large = { name: 'n', metadata: 'x'.repeat(600_000) };
  answers = [{ body: { results: [imported(0)] } }, { body: { results: [imported(0)] } }];
  const input = JSON.stringify([large, large]);
  const { out, status } = await keys(['import-batch', '--file', '-'], { input });
  expect([status, out, asked.length]).toEqual([0, ['0  id-0  n', '1  id-0  n'], 2]);
});

test.each<[what: string, input: string, answer: Scripted | undefined, message: RegExp]>([
  ['an outage', '{}', refusal(503), /from 0 on the outcome is not known: No\. \(HTTP 503\)/],
  ['a wrong admin token', '{}', refusal(401), /from 0 on the outcome is not known/],
  ['fewer outcomes than keys', '{}', { body: { results: [] } }, /without an outcome for each/],
  ['an array that breaks off', '[{"raw_key":"hush"}', undefined, /is not JSON/],
  ['an element that is none', '["hush"]', undefined, /element 0 is not a JSON object/],
  ['a line that is none', '{}\nhush', undefined, /line 2 is not a JSON object/],
  ['nothing', '\n', undefined, /there is no key in it/],
])(
  'import-batch stops at %s, without a word of the keys',
  async (_, ...[input, answer, message]) => {
    if (answer !== undefined) answers = [answer];
    const { err, out, status } = await keys(['import-batch', '--file', '-'], { input });
    expect([status, out, err.length]).toEqual([1, [], 1]);
    expect(err[0]).toMatch(message);
    expect(err[0]).not.toContain('hush');
    expect(asked).toHaveLength(answer === undefined ? 0 : 1);
  },
);

test('import-batch says that a file is not there', async () => {
  const { err, status } = await keys(['import-batch', '--file', join(folder, 'none')]);
  expect([status, err]).toEqual([1, ['cardea: cannot read the file (ENOENT)']]);
});
