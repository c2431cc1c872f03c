/** Guarantee: what the stack reads from, and writes for, wrangler arrives unchanged or is refused. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY_FOLDER } from '../repository.ts';
import { renderEnvFile } from './env-file.ts';
import { StackFailed } from './stack-failed.ts';
import { readBinding, readVars } from './wrangler-config.ts';

const TOML = `name = "x"
id = "outside any table"
[vars]
A = "1"
B_2 = "two" # A comment.
LONG = """
C = "in a long text"
"""
[other]
D = "another table"
[[kv_namespaces]]
binding = "OTHER"
id = "wrong"

[[kv_namespaces]]
id = "right" # A comment.
binding = "FEED"

[[d1_databases]]
binding = "FEED"
id = "another table"
`;

const folder = mkdtempSync(join(tmpdir(), 'cardea-toml-'));
const file = join(folder, 'wrangler.toml');
beforeAll(() => writeFileSync(file, TOML));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const feed = { table: 'kv_namespaces', binding: 'FEED', field: 'id' };

test('the binding that is asked for is found, whatever stands around it', () => {
  expect(readBinding({ ...feed, file })).toBe('right');
});

test.each([
  { ...feed, binding: 'NONE' },
  { ...feed, table: 'r2_buckets' },
  { ...feed, field: 'preview_id' },
])('what is not there is refused: %j', (query) => {
  expect(() => readBinding({ ...query, file })).toThrow(StackFailed);
});

test('the settings of [vars] that stand on one line are read', () => {
  expect(readVars(file)).toEqual({ A: '1', B_2: 'two' });
});

test('both planes of this repository name the same namespace', () => {
  const ids = ['wrangler.toml', 'control-plane/wrangler.toml'].map((name) =>
    readBinding({ ...feed, file: join(REPOSITORY_FOLDER, name) }),
  );
  expect(ids[0]).toBe(ids[1]);
});

test('settings are written literally, JSON included', () => {
  expect(renderEnvFile({ A: '{"kty":"OKP"}', B: '# x' })).toBe(`A='{"kty":"OKP"}'\nB='# x'\n`);
});

test.each(["it's", 'a\nB=c', 'cost: $5', 'back\\slash'])(
  '%j would not arrive and is refused',
  (value) => {
    expect(() => renderEnvFile({ A: value })).toThrow('A holds a character');
  },
);
