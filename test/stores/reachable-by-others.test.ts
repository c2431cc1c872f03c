import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { closedFolderOf } from './reachable-by-others.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-reach-'));
const inner = join(folder, 'a', 'b');
mkdirSync(inner, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a folder is closed by any of those above it', () => {
  for (const path of [folder, join(folder, 'a'), inner]) chmodSync(path, 0o755);
  expect(closedFolderOf(inner)).toBeUndefined();
  chmodSync(folder, 0o700);
  expect(closedFolderOf(inner)).toBe(folder);
  chmodSync(inner, 0o750);
  expect(closedFolderOf(inner)).toBe(inner);
});
