/** The commands of docs/admin-access.md, on the real stack: from the bootstrap token to credentials. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { callWithToken } from '../e2e/harness/calls.ts';
import { runCardea } from '../e2e/harness/cardea-command.ts';
import { startThrowawayStack, type ThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { readText } from '../tidy/source-files.ts';

let throwaway: ThrowawayStack;
beforeAll(async () => {
  throwaway = await startThrowawayStack({});
});
afterAll(() => throwaway?.dispose());

/** The lines of its shell blocks, as arguments. */
const COMMANDS = [...readText('docs/admin-access.md').matchAll(/^npx cardea (admins .+)$/gm)].map(
  ([, line = '']) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word),
) as string[][];
const [CREATE_OWNER = [], CREATE_ISSUER = [], LIST = [], ROTATE = [], REVOKE = []] = COMMANDS;

/** Runs a command that must succeed, as whoever holds `token`. */
async function cardea(args: readonly string[], token: string): Promise<string> {
  const { controlPlaneUrl } = throwaway.stack;
  const env = { CARDEA_ENDPOINT: controlPlaneUrl, CARDEA_ADMIN_TOKEN: token };
  const { status, out, err } = await runCardea(args, { env });
  expect([args.join(' '), status, err]).toEqual([args.join(' '), 0, '']);
  return out;
}

async function create(args: readonly string[], token: string) {
  const message = JSON.parse(await cardea([...args, '--format', 'json'], token));
  return { id: message.admin_credential.credential_id, secret: message.secret } as const;
}

const statusFor = async (token: string, path = '/v1/admin/credentials') =>
  (await callWithToken(`${throwaway.stack.controlPlaneUrl}${path}`, token)).status;

test('the document has the commands that this test runs', () => {
  expect(COMMANDS.map(([, verb]) => verb)).toEqual([
    ...['create', 'create', 'list', 'rotate', 'revoke'],
  ]);
});

test('bootstrap token → owner → issuer; rotated by its holder; revoked by the owner', async () => {
  const owner = await create(CREATE_OWNER, throwaway.stack.adminToken);
  const issuer = await create(CREATE_ISSUER, owner.secret);
  expect([await statusFor(owner.secret), await statusFor(issuer.secret)]).toEqual([200, 403]);

  const listed = (await cardea(LIST, owner.secret)).trim().split('\n');
  const lineOf = (id: string) => listed.find((line) => line.startsWith(id));
  expect(listed).toHaveLength(2);
  expect(lineOf(owner.id)).toMatch(/ {2}owner {2}active {2}\* {2}[^ ]+ {2}Ada Lovelace$/);
  expect(lineOf(issuer.id)).toMatch(/ {2}issuer {2}active {2}\* {2}[^ ]+ {2}billing service$/);

  const keys = '/v2alpha1/admin/issuedApiKeys';
  const rotated = await cardea(ROTATE, issuer.secret);
  const heir = /^export CARDEA_ADMIN_TOKEN='([^']+)'$/m.exec(rotated)?.[1] ?? '';
  const heirId = /^export CARDEA_ADMIN_CREDENTIAL_ID='([^']+)'$/m.exec(rotated)?.[1] ?? '';
  expect([await statusFor(issuer.secret, keys), await statusFor(heir, keys)]).toEqual([200, 200]);

  for (const id of [issuer.id, heirId]) {
    const args = REVOKE.map((word) => (word === 'CREDENTIAL_ID' ? id : word));
    expect(await cardea(args, owner.secret)).toBe(`revoked ${id}\n`);
  }
  expect([await statusFor(issuer.secret, keys), await statusFor(heir, keys)]).toEqual([401, 401]);
});
