/** `shared` has no clock, no randomness, no I/O and no environment; only `crypto/` sees `crypto`. */

import { expect, test } from 'vitest';
import { readSources, type SourceFile, withoutComments } from './source-files.ts';

const IMPURE: ReadonlyArray<readonly [name: string, pattern: RegExp]> = [
  ['a clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\./],
  ['a timer', /\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bscheduler\./],
  ['randomness', /\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\bgenerateKey\b/],
  ['the network', /\bfetch\(|\bXMLHttpRequest\b|\bWebSocket\b|\bcaches\./],
  ['the environment', /\bprocess\.|\bimport\.meta\.env\b|\bglobalThis\.(?!crypto)|\bnavigator\./],
  ['output', /\bconsole\./],
];
const CRYPTO = /\bcrypto\.(subtle|getRandomValues|randomUUID)\b/;
/** The only files that may draw randomness; composition roots pass them inward. */
const RANDOM = /^shared\/src\/crypto\/(random|generate-key-pair)\.ts$/;

export function impurities({ path, text }: Pick<SourceFile, 'path' | 'text'>): string[] {
  const code = withoutComments(text);
  const found = IMPURE.filter(
    ([name, pattern]) => pattern.test(code) && !(name === 'randomness' && RANDOM.test(path)),
  ).map(([name]) => `${path} uses ${name}`);
  if (CRYPTO.test(code) && !path.startsWith('shared/src/crypto/'))
    found.push(`${path} uses crypto`);
  return found;
}

test('shared is pure', () => {
  const files = readSources().filter((file) => file.path.startsWith('shared/') && !file.isTest);
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap(impurities)).toEqual([]);
});

test('only composition roots import the source of randomness', () => {
  const importers = readSources()
    .filter((file) => !file.isTest && file.path.match(/^(shared|control-plane|edge-worker)\//))
    .filter((file) =>
      /import \{[^}]*\brandomBytes\b[^}]*\} from '[^']*crypto\/random/.test(file.text),
    )
    .map((file) => file.path);
  const roots = /^control-plane\/src\/(worker|node|node\/stores|publication\/hub\/hub)\.ts$/;
  expect(importers.filter((path) => !roots.test(path))).toEqual([]);
});

test.each([
  ['a clock', 'const now = Date.now();'],
  ['a clock', 'const now = new Date();'],
  ['a timer', 'setTimeout(() => {}, 1);'],
  ['randomness', 'const id = crypto.randomUUID();'],
  ['the network', "await fetch('/');"],
  ['the environment', 'const x = process.env.X;'],
  ['output', "console.log('x');"],
])('planted use of %s is found', (name, text) => {
  const path = 'shared/src/jwt/claims.ts';
  expect(impurities({ path, text })).toContain(`${path} uses ${name}`);
});
