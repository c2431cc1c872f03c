/** The commands of docs/tenants.md and docs/audit.md, as they stand there, on the real stack. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
async function run(line: string): Promise<string> {
  const { adminToken, controlPlaneUrl } = throwaway.stack;
  const command = line.replace('npx cardea', `'${process.execPath}' '${CARDEA}'`);
  const { status, out, err } = await runCommand(['bash', '-e', '-c', command], {
    cwd: folder,
    env: { CARDEA_ENDPOINT: controlPlaneUrl, CARDEA_ADMIN_TOKEN: adminToken },
  });
  expect([line, status, err]).toEqual([line, 0, '']);
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
