/** Guarantee: docs/caveats.md is about the language that the code reads: its examples, version and limits. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  CAVEAT_LIST_MAX,
  CAVEAT_VALUE_LENGTH_MAX,
  CAVEATS_MAX,
  DISCHARGES_MAX,
  SCOPE_LENGTH_MAX,
  SCOPES_MAX,
  TOKEN_BYTES_MAX,
} from '@cardea/shared/limits';
import { CAVEAT_LANGUAGE_VERSION } from '@cardea/shared/macaroon/caveat';
import { formatCaveat } from '@cardea/shared/macaroon/format-caveat';
import { parseCaveatText } from '@cardea/shared/macaroon/parse-caveat';
import { REFUSALS } from '@cardea/shared/refusals';
import { expect, test, vi } from 'vitest';
import { createRandom } from '../simulation/random.ts';
import { generateFrom, parseAbnf } from './abnf.ts';

// Many cases a test: on a busy machine they take longer than vitest waits for one.
vi.setConfig({ testTimeout: 60_000 });

const document = readFileSync(
  fileURLToPath(new URL('../../docs/caveats.md', import.meta.url)),
  'utf8',
);
const [, table = ''] =
  /## The caveats\n([\s\S]*?)\n\nCaveats of the same kind/.exec(document) ?? [];
const [, grammar = ''] = /```abnf\n([\s\S]*?)```/.exec(document) ?? [];

const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('each example of the table is a caveat, in its one spelling', () => {
  const examples = rows
    .flatMap(([, caveat = '']) => [...caveat.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
    .map((text) => text.replace('…', 'x'));
  expect(examples.length).toBeGreaterThan(16);
  for (const text of examples) {
    const caveat = parseCaveatText(text);
    expect([text, caveat && formatCaveat(caveat)]).toEqual([text, text]);
  }
  const kinds = new Set(examples.map((text) => parseCaveatText(text)?.kind));
  expect(kinds.size).toBe(15);
});

test('each refusal that the table names is in the catalogue', () => {
  const named = rows.map(([, , , refusal = '']) => /`([a-z_]+)`/.exec(refusal)?.[1] ?? '');
  expect(named.filter((reason) => !Object.hasOwn(REFUSALS, reason))).toEqual([]);
});

test('version and limits are those of the code', () => {
  const text = document.replaceAll(/\s+/g, ' ');
  const said = (number: number) => number.toLocaleString('en');
  expect(text).toContain(`The language has a version, **${CAVEAT_LANGUAGE_VERSION}**.`);
  expect(text).toContain(
    `At most ${CAVEATS_MAX} caveats on a macaroon, ${DISCHARGES_MAX} discharges and ${said(TOKEN_BYTES_MAX)} characters in all.`,
  );
  expect(text).toContain(`; at most ${SCOPES_MAX} methods`);
  expect(text).toContain(`and the lists below: at most ${CAVEAT_LIST_MAX} `);
  expect(text).toContain(`; at most ${said(CAVEAT_VALUE_LENGTH_MAX)} UTF-16 units`);
  expect(text).toContain(`scope = 1*${SCOPE_LENGTH_MAX}(`);
});

test('what the grammar derives is read, but for what its comments and the text rule out', () => {
  const rules = parseAbnf(grammar);
  const random = createRandom(5);
  const read: Record<string, number> = {};
  let derived = 0;
  for (; derived < 20_000; derived++) {
    const text = generateFrom(rules, 'caveat', random);
    const caveat = parseCaveatText(text);
    if (caveat === undefined) continue;
    expect(formatCaveat(caveat)).toBe(text);
    read[caveat.kind] = (read[caveat.kind] ?? 0) + 1;
  }
  // All but `token`, whose 36 digits are a version-4 UUID too rarely, and ranges, whose spelling is prose.
  const kinds = [
    'expires',
    'not_before',
    'scopes',
    'methods',
    'paths',
    'hosts',
    'tools',
    'audience',
  ];
  for (const kind of [...kinds, 'tenant', 'actor', 'key', 'extension', 'reserved']) {
    expect([kind, (read[kind] ?? 0) > 0]).toEqual([kind, true]);
  }
});

test('what is read is derived by the grammar: one character more or less of an example is not read', () => {
  const examples = rows.flatMap(([, caveat = '']) => /`([^`…]+)`/.exec(caveat)?.[1] ?? []);
  for (const text of examples) {
    const head = /^\S+ \S+ /.exec(text)?.[0] ?? '';
    for (let i = 0; i < head.length; i++) {
      const shorter = text.slice(0, i) + text.slice(i + 1);
      const isOtherName = text.startsWith('ext:') && i > 3 && i < head.indexOf(' ');
      expect([shorter, parseCaveatText(shorter) !== undefined]).toEqual([shorter, isOtherName]);
    }
  }
});
