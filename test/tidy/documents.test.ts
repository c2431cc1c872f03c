/** What the documents say exists: settings, dependencies, files, commands. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { listFiles, PACKAGES, ROOT, readSources, readText } from './source-files.ts';

const documents = [
  ...listFiles('docs', /\.md$/),
  ...['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md'],
];

test.each([
  ['Control plane', 'control-plane/src/config.ts'],
  ['Control plane on Workers', 'control-plane/src/config.workers.ts'],
  ['Control plane on Node', 'control-plane/src/config.node.ts'],
  ['Edge worker', 'edge-worker/src/config.ts', 'edge-worker/src/feed-settings.ts'],
])('docs/configuration.md lists exactly the settings of the %s', (heading, ...paths) => {
  const section =
    readText('docs/configuration.md')
      .split(new RegExp(`^## ${heading}(?: \\(.*\\))?$`, 'm'))[1]
      ?.split('\n## ')[0] ?? '';
  const documented = [...section.matchAll(/^\|((?: ?`[A-Z0-9_]+`,?)+) \|/gm)].flatMap(
    ([, names = '']) => [...names.matchAll(/[A-Z0-9_]+/g)].map(([name]) => name),
  );
  const code = paths.map(readText).join('\n');
  const read = new Set([...code.matchAll(/'([A-Z][A-Z0-9_]{1,})'/g)].map(([, name = '']) => name));
  for (const [, name = ''] of code.matchAll(/\benv\.([A-Z][A-Z0-9_]+)/g)) read.add(name);
  expect(documented.length).toBeGreaterThan(3);
  expect(documented.filter((name) => !code.includes(name))).toEqual([]);
  expect([...read].filter((name) => !documented.includes(name))).toEqual([]);
});

test('each runtime dependency has its line in ARCHITECTURE.md', () => {
  const names = PACKAGES.flatMap((name) => {
    const manifest: { dependencies?: Record<string, string> } = JSON.parse(
      readText(`${name}/package.json`),
    );
    return Object.keys(manifest.dependencies ?? {}).filter((each) => !each.startsWith('@cardea/'));
  });
  const text = readText('ARCHITECTURE.md');
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !new RegExp(`^\\| \`${name}\` \\|`, 'm').test(text))).toEqual([]);
});

test('relative links in the documents lead somewhere', () => {
  const broken = documents.flatMap((path) =>
    [...readText(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

/** As GitHub names the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('links to a heading find it', () => {
  const links = documents.flatMap((path) =>
    [...readText(path).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)].map(
      ([, target = '', anchor = '']) => ({
        path,
        target: target === '' ? path : join(dirname(path), target),
        anchor,
      }),
    ),
  );
  expect(links.length).toBeGreaterThan(4);
  const broken = links.filter(({ target, anchor }) => {
    const headings = [...readText(target).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
    return !headings.map(anchorOf).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('npm scripts named in the documents exist', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readText('package.json'));
  const named = documents.flatMap((path) =>
    [...readText(path).matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name),
  );
  expect(named.length).toBeGreaterThan(3);
  expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test('every threat is covered by a test file that exists, or says why not', () => {
  interface Threat {
    readonly id: number;
    readonly threat: string;
    readonly tests?: readonly string[];
    readonly not_covered?: string;
  }
  const threats: Threat[] = JSON.parse(readText('test/threats.json'));
  expect(threats.map((threat) => threat.id)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  const wrong = threats.filter(({ tests = [], not_covered = '' }) =>
    tests.length === 0
      ? not_covered.length < 20
      : tests.some((path) => !existsSync(join(ROOT, path))),
  );
  expect(wrong).toEqual([]);
});

test('nothing is skipped, focused or left to do', () => {
  const files = [...readSources().map((file) => file.path), ...listFiles('test', /\.(ts|mjs)$/)];
  const marks = /\b(?:it|test|describe)\.(?:skip|only|todo)\(|\b(?:TODO|FIXME|XXX)\b(?! #\d)/;
  const found = files.filter(
    (path) => path !== 'test/tidy/documents.test.ts' && marks.test(readText(path)),
  );
  expect(found).toEqual([]);
});

test('docs/audit.md explains exactly the operations that there are', () => {
  const [, union = ''] =
    /export type AuditOperation =([^;]+);/.exec(
      readText('control-plane/src/audit/audit-event.ts'),
    ) ?? [];
  const rows = readText('docs/audit.md')
    .split('\n')
    .filter((line) => /^\| `[a-z_]+\.[a-z_]+`/.test(line));
  const explained = rows.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`([a-z_.]+)`/g)].map(([, name]) => name),
  );
  const known = [...union.matchAll(/'([a-z_.]+)'/g)].map(([, name]) => name);
  expect(known.length).toBeGreaterThan(15);
  expect(explained.sort()).toEqual(known.sort());
});
