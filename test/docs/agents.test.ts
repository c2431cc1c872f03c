/**
 * The program of docs/agents.md, run as it stands there against the real stack: what it prints is what the
 * page says.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCardea, runCommand } from '../e2e/harness/cardea-command.ts';
import { startThrowawayStack, type ThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { ROOT, readText } from '../tidy/source-files.ts';

const page = readText('docs/agents.md');
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  );

let throwaway: ThrowawayStack;
beforeAll(async () => {
  throwaway = await startThrowawayStack({ hardSeconds: 20 });
});
afterAll(() => throwaway?.dispose());

test('the program does what the page says, and the revocation cuts off the whole tree', async () => {
  const { controlPlaneUrl, edgeUrl, adminToken } = throwaway.stack;
  const access = { CARDEA_ENDPOINT: controlPlaneUrl, CARDEA_ADMIN_TOKEN: adminToken };
  const scopes = 'notes:read,notes:write,notes:admin';
  const issued = await runCardea(
    ['keys', 'issue', 'orchestrator', '--actor', 'alice', '--scopes', scopes, '--format', 'json'],
    { env: access },
  );
  expect(issued.err).toBe('');
  const program = blocksOf('ts').join('\n');
  const run = await runCommand(
    [process.execPath, '--input-type=module-typescript', '-e', program],
    {
      cwd: ROOT,
      env: {
        ...access,
        ...{ CONTROL_PLANE: controlPlaneUrl, EDGE: edgeUrl },
        CARDEA_API_KEY: String(JSON.parse(issued.out).secret),
        NODE_NO_WARNINGS: '1',
      },
    },
  );
  expect(run).toMatchObject({ status: 0, err: '' });
  const lines = run.out.trim().split('\n');
  const promised = blocksOf('text').join('').trim().split('\n');
  expect(promised.length).toBeGreaterThan(5);
  const at = lines.indexOf(promised[0] ?? '');
  const sentences = lines.slice(0, at).join('\n');
  expect(lines.slice(at, at + promised.length)).toEqual(promised);
  for (const part of ['notes:read', 'list_notes', 'GET', '/v1/notes']) {
    expect(sentences).toContain(part);
  }
  const after = lines.slice(at + promised.length).filter((line) => !/ 200$/.test(line));
  expect(after).toEqual([
    ...['orchestrator GET 401 token_revoked', 'reader GET 401 token_revoked'],
    ...['writer POST 401 token_revoked', 'helper GET 401 token_revoked'],
  ]);
});
