/** Guarantee: a wrong command line is exit 2 and one line; a failed command is exit 1 and one line. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCli } from './cli.ts';
import { hashAdminToken } from './fresh-secrets.ts';

const emptyFolder = mkdtempSync(join(tmpdir(), 'cardea-cli-'));
afterAll(() => rmSync(emptyFolder, { recursive: true, force: true }));

/** A port on which nothing listens: 9 is reserved for "discard" (RFC 863). */
const NOBODY = 'http://127.0.0.1:9';

interface Run {
  readonly status: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

async function run(args: string[], env: Record<string, string> = {}, input?: string): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(args, {
    env: { CARDEA_STATE_FOLDER: emptyFolder, ...env },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => input,
  });
  return { status, out, err };
}

const WRONG: ReadonlyArray<readonly [what: string, args: string[], message: RegExp]> = [
  ['an unknown command', ['launch'], /no command "launch"/],
  ['half a command', ['keys'], /no command "keys"/],
  ['an unknown option', ['version', '--colour'], /Unknown option '--colour'/],
  ['an option of another command', ['version', '--actor', 'a'], /takes no --actor/],
  ['an option without its value', ['token', '--key'], /--key/],
  ['an operand too many', ['keys', 'revoke', 'a', 'b'], /usage: cardea keys revoke KEY_ID/],
  ['an operand too few', ['keys', 'issue', '--actor', 'a'], /usage: cardea keys issue NAME/],
  ['an empty operand', ['keys', 'revoke', ''], /KEY_ID is empty/],
  ['no actor', ['keys', 'issue', 'n'], /--actor is required/],
  ['metadata that is not JSON', ['keys', 'issue', 'n', '--actor', 'a', '--metadata', '{'], /JSON/],
  ['metadata that is a list', ['keys', 'issue', 'n', '--actor', 'a', '--metadata', '[]'], /object/],
  ['an unknown format', ['secrets', '--format', 'yaml'], /--format must be one of table, json/],
  ['a format of another command', ['token', '--format', 'env'], /--format must be one of/],
  ['an unknown reason', ['keys', 'revoke', 'x', '--reason', 'boredom'], /--reason must be one of/],
  ['an endpoint without scheme', ['token', '--key', 'k', '-e', 'localhost:4420'], /http or https/],
  ['an endpoint with a password', ['token', '--key', 'k', '-e', 'http://u:p@h'], /http or https/],
  ['seconds that are none', ['token', '--key', 'k', '--expires-in', '1h'], /number of seconds/],
  ['a surface that is none', ['serve', 'everything'], /admin or public/],
  ['a surface in the local stack', ['serve', 'admin', '--dev'], /always serves everything/],
  ['another type', ['token', '--key', 'k', '--type', 'saml'], /--type must be jwt or macaroon/],
  ['no key at all', ['token'], /no API key/],
  ['no credential at all', ['keys', 'verify'], /no credential/],
];

test.each(WRONG)('%s is a usage error', async (_, args, message) => {
  const { status, out, err } = await run(args);
  expect(status).toBe(2);
  expect(out).toEqual([]);
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(message);
});

test('no command at all shows the help and is exit 2; asked for, it is exit 0', async () => {
  const bare = await run([]);
  const asked = await run(['help']);
  expect(bare.status).toBe(2);
  expect(asked.status).toBe(0);
  expect(bare.out).toEqual(asked.out);
  for (const words of ['dev', 'reset', 'keys issue', 'keys verify', 'keys revoke', 'token']) {
    expect(asked.out.join('\n')).toContain(`  ${words}`);
  }
});

test.each([[['help', 'keys', 'issue']], [['keys', 'issue', '--help']]])(
  '%j shows what the command takes and does nothing',
  async (args) => {
    const { status, out } = await run(args);
    expect(status).toBe(0);
    expect(out[0]).toBe('Usage: cardea keys issue NAME');
  },
);

test('a control plane that is not there is one line and exit 1', async () => {
  const { status, err } = await run(['token', '--key', 'ck_v1_x', '-e', NOBODY]);
  expect(status).toBe(1);
  expect(err).toEqual([expect.stringContaining(`cannot reach the control plane at ${NOBODY}`)]);
});

test('an admin command without the admin token says which variable to set', async () => {
  const { status, err } = await run(['keys', 'verify', 'x', '-e', NOBODY]);
  expect(status).toBe(1);
  expect(err[0]).toContain('set CARDEA_ADMIN_TOKEN');
});

test('the endpoint comes from CARDEA_ENDPOINT, and the option wins over it', async () => {
  const env = { CARDEA_ENDPOINT: `${NOBODY}/from-env`, CARDEA_API_KEY: 'k' };
  expect((await run(['token'], env)).err[0]).toContain(`${NOBODY}/from-env`);
  expect((await run(['token', '-e', NOBODY], env)).err[0]).not.toContain('from-env');
});

test('secrets: a complete set, another one each time, and the hash fits the admin token', async () => {
  const read = ({ out }: Run) => new Map(out.map((line) => [line.split('=')[0], cut(line)]));
  const cut = (line: string) => line.slice(line.indexOf('=') + 1);
  const first = read(await run(['secrets']));
  const second = read(await run(['secrets']));
  expect([...first.keys()]).toEqual([
    'CARDEA_SECRET',
    'CARDEA_ADMIN_TOKEN',
    'ADMIN_TOKEN_SHA256',
    'FEED_SIGNING_KEY',
    'FEED_PUBLIC_KEYS',
  ]);
  for (const [name, value] of first) expect(second.get(name), name).not.toBe(value);
  expect(first.get('CARDEA_SECRET')?.length).toBeGreaterThanOrEqual(32);
  expect(first.get('ADMIN_TOKEN_SHA256')).toMatch(/^[0-9a-f]{64}$/);
  expect(hashAdminToken(first.get('CARDEA_ADMIN_TOKEN') ?? '')).toBe(
    first.get('ADMIN_TOKEN_SHA256'),
  );
  const jwk = JSON.parse(first.get('FEED_SIGNING_KEY') ?? '');
  expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), d: expect.any(String) });
  expect(first.get('FEED_PUBLIC_KEYS')).toBe(jwk.x);
});
