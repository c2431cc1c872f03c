/** The commands of docs/tenants.md, commands.md and audit.md, as they stand there, on the real stack. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CARDEA, runCommand } from '../e2e/harness/cardea-command.ts';
import { startThrowawayStack, type ThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { readText } from '../tidy/source-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-docs-'));
let throwaway: ThrowawayStack;
beforeAll(async () => {
  throwaway = await startThrowawayStack({});
});
afterAll(async () => {
  await throwaway?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const commandsOf = (path: string) =>
  [...readText(path).matchAll(/^npx cardea .+$/gm)].map(([line]) => line);

/** Runs a line in a shell, in a folder of the test's own; what it prints. */
async function run(line: string, remark = ''): Promise<string> {
  const { adminToken, controlPlaneUrl } = throwaway.stack;
  const command = line.replace('npx cardea', `'${process.execPath}' '${CARDEA}'`);
  const { status, out, err } = await runCommand(['bash', '-e', '-c', command], {
    cwd: folder,
    env: { CARDEA_ENDPOINT: controlPlaneUrl, CARDEA_ADMIN_TOKEN: adminToken },
  });
  expect([line, status, err]).toEqual([line, 0, remark]);
  return out;
}

test('a tenant is created, shown, changed and deleted', async () => {
  const [create = '', list = '', ...others] = commandsOf('docs/tenants.md');
  expect(others).toHaveLength(3);
  const { tenant_id: tenantId } = JSON.parse(await run(`${create} --format json`));
  expect(await run(list)).toContain(tenantId);
  for (const line of others)
    expect(await run(line.replace('TENANT_ID', tenantId))).toContain(tenantId);
  expect(await run(list)).not.toContain(tenantId);
});

test('a key is shown, changed, replaced, paused, derived from and ended; others are imported', async () => {
  const issued = await run(
    'npx cardea keys issue n --actor alice --scopes notes:read,notes:write --format json ' +
      '--allowed-cidrs 0.0.0.0/0,::/0 --rate-limit-quota 9 --rate-limit-window 1m --request-id r',
  );
  const { issued_api_key: key, secret } = JSON.parse(issued);
  expect(key).toMatchObject({
    ip_restriction: { allowed_cidrs: ['0.0.0.0/0', '::/0'] },
    rate_limit_policy: { quota: '9', window: '60s' },
  });
  const rawKeys = Array.from({ length: 3 }, () => randomBytes(24).toString('base64url'));
  const requests = rawKeys.slice(1).map((raw_key) => ({ name: 'o', actor_id: 'bob', raw_key }));
  writeFileSync(join(folder, 'key.txt'), `${secret}\n`);
  writeFileSync(join(folder, 'old-key.txt'), `${rawKeys[0]}\n`);
  writeFileSync(
    join(folder, 'old-keys.jsonl'),
    requests.map((one) => JSON.stringify(one)).join('\n'),
  );
  const lines = commandsOf('docs/commands.md').filter((line) => !line.includes(' edges '));
  const printed = new Map<string, string>();
  let importedKeyId = '';
  for (const line of lines) {
    const remark = line.includes('import-batch') ? 'cardea: 2 imported, 0 failed\n' : '';
    const out = await run(
      line.replace('IMPORTED_KEY_ID', importedKeyId).replace('KEY_ID', key.key_id),
      remark,
    );
    printed.set(line.split(' ').slice(2, 4).join(' '), out);
    importedKeyId = /\b[0-9a-f]{64}\b/.exec(out)?.[0] ?? importedKeyId;
  }
  const statusOf = (words: string) => /KEY_STATUS_\w+/.exec(printed.get(words) ?? '')?.[0];
  expect(lines).toHaveLength(13);
  expect(printed.get('keys list')).toContain(`${key.key_id}  n  alice  active`);
  expect(printed.get('keys update')).toMatch(/^scopes +notes:read$/m);
  expect(printed.get('keys rotate')).toMatch(/^old_key_end_time +2/m);
  expect([statusOf('keys disable'), statusOf('keys enable')]).toEqual([
    'KEY_STATUS_DISABLED',
    'KEY_STATUS_ACTIVE',
  ]);
  expect(printed.get('keys derive')).toMatch(/^eyJ/);
  expect(printed.get('signing-keys rotate')).toMatch(/^state +pending$/m);
  // What was done has lasted: the key is ended, and one of the three that were imported is gone.
  expect(await run(`npx cardea keys get ${key.key_id}`)).toContain('KEY_STATUS_REVOKED');
  expect((await run('npx cardea keys list --imported')).trim().split('\n')).toHaveLength(2);
  // One of the batch is gone, so that it can be imported again; the other is there.
  const again = 'npx cardea keys import-batch --file old-keys.jsonl || test $? = 1';
  const outcomes = await run(again, 'cardea: 1 imported, 1 failed\n');
  expect(outcomes).toMatch(/^0 {2}[0-9a-f]{64} {2}o\n1 {2}ALREADY_EXISTS {2}/);
  expect(await run(again, 'cardea: 0 imported, 2 failed\n')).toMatch(/^0-1 {2}none imported: /);
});

test('an edge is registered, shown, given another secret and ended', async () => {
  const lines = commandsOf('docs/commands.md').filter((line) => line.includes(' edges '));
  expect(lines).toHaveLength(5);
  const [create = '', list = '', ...others] = lines;
  const made = await run(create.replace('TENANT_ID', DEFAULT_TENANT_ID));
  const [, edgeId = '', secret = ''] =
    /^EDGE_ID=(\S+)\nEDGE_SECRET=(\S{43})$/m.exec(made.replaceAll(/['"]|export /g, '')) ?? [];
  expect(edgeId).toMatch(/^[0-9a-f-]{36}$/);
  expect(await run(list)).toContain(edgeId);
  const [get = '', rotate = '', revoke = ''] = others.map((line) =>
    line.replace('EDGE_ID', edgeId),
  );
  expect(await run(get)).toMatch(/^status +active$/m);
  expect(await run(rotate)).not.toContain(secret);
  await run(revoke);
  expect(await run(get)).toMatch(/^status +revoked$/m);
});

test('tokens, keys, actors and tenants are revoked, and the list and the feed tell of it', async () => {
  const issued = await run('npx cardea keys issue n --actor alice --format json');
  const { issued_api_key: key } = JSON.parse(issued);
  const tenant = await run('npx cardea tenants create t --format json');
  const names = new Map([
    ['JTI', crypto.randomUUID()],
    ['KEY_ID', key.key_id],
    ['TENANT_ID', JSON.parse(tenant).tenant_id],
  ]);
  const lines = commandsOf('docs/revocation.md');
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const out = await run(line.replace(/\b[A-Z_]{3,}\b/g, (name) => names.get(name) ?? name));
    const [, id] = /^revocation_id +(\S+)$/m.exec(out) ?? [];
    if (id !== undefined) names.set('REVOCATION_ID', id);
    if (line.includes('revoke ')) expect(out).toMatch(/^status +acknowledged$/m);
    if (line.endsWith('feed')) expect(out).toMatch(/^published +seq \d+, /m);
  }
  expect(await run(`npx cardea keys get ${key.key_id}`)).toContain('KEY_STATUS_REVOKED');
});

test('the audit log is listed, exported, verified, and compared with the export', async () => {
  const [list = '', exportIt = '', verify = '', compare = '', ...others] =
    commandsOf('docs/audit.md');
  expect(others).toEqual([]);
  // The day of the document may lie ahead of the machine's clock.
  const today = `--since ${new Date().toISOString().slice(0, 10)}`;
  const dated = (line: string) => line.replace(/--since \S+/, today);
  await run(dated(list));
  await run(dated(exportIt));
  await run(verify);
  await run(compare);
  expect(await run(`cat events.jsonl`)).toContain('"operation":"tenant.delete"');
});
