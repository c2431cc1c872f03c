/** Imports go one way: shared ← planes ← cli; root → app → routes → operations → ports ← adapters. */

import { expect, test } from 'vitest';
import { folderOf, importsOf, readSources, type SourceFile } from './source-files.ts';

/** What each package may import besides its own files. `*` ends a prefix. */
const ALLOWED: Record<string, readonly string[]> = {
  shared: ['@noble/ciphers/salsa.js', '@stablelib/sha256'],
  'edge-worker': ['shared/src/*', 'cloudflare:*'],
  'control-plane': [
    ...['shared/src/*', 'cloudflare:*'],
    ...['hono', 'hono/*', 'zod', 'jose', 'drizzle-orm', 'drizzle-orm/*'],
    ...['postgres', '@electric-sql/pglite', '@hono/node-server', 'node:*'],
    ...['prom-client', '@opentelemetry/*'],
  ],
  cli: ['shared/src/*', 'node:*', 'miniflare'],
};

/** Within `shared`: a folder may import those to its left. */
const SHARED_LEAVES = ['result.ts', 'refusals.ts', 'time.ts', 'limits.ts', 'tenant.ts'];
const SHARED_ORDER = [
  ...['bytes', 'crypto', 'json', 'ip', 'path', 'credential', 'jwt', 'macaroon', 'feed'],
];

/** Libraries that only one folder, or one file, may know. */
const CONFINED: ReadonlyArray<{ library: RegExp; where: RegExp }> = [
  { library: /^miniflare$/, where: /^cli\/src\/dev-stack\/migrate\.ts$/ },
  { library: /^postgres$/, where: /^control-plane\/src\/database\// },
  { library: /^@electric-sql\/pglite$/, where: /^control-plane\/src\/database\/pglite\.ts$/ },
  // What Workers do not have: `tsconfig.node.json` checks these files against Node's types.
  { library: /^@hono\/node-server$/, where: /^control-plane\/src\/node\// },
  {
    library: /^(prom-client|@opentelemetry\/.+)$/,
    where: /^control-plane\/src\/observability\/.+\.node\.ts$/,
  },
  { library: /^node:/, where: /^(cli\/|control-plane\/src\/(node(\/.+)?|.+\.node)\.ts$)/ },
  { library: /^@(noble|stablelib)\//, where: /^shared\/src\/crypto\// },
  { library: /^drizzle-orm/, where: /^control-plane\/src\/database\// },
  { library: /^hono(\/|$)/, where: /^control-plane\/src\/(app\.ts|routes\/|http\/)/ },
];

export function importProblems(file: SourceFile): string[] {
  const name = file.path.split('/')[0] ?? '';
  return file.imports.flatMap((target) => {
    const problem = problemOf(file, { name, target });
    return problem === undefined ? [] : [`${file.path} imports ${target}: ${problem}`];
  });
}

function problemOf(
  file: SourceFile,
  { name, target }: { name: string; target: string },
): string | undefined {
  if (!target.startsWith(`${name}/src/`)) {
    const allowed = (ALLOWED[name] ?? []).some((pattern) =>
      pattern.endsWith('*') ? target.startsWith(pattern.slice(0, -1)) : target === pattern,
    );
    if (!allowed) return `${name} may not import it`;
  }
  const confined = CONFINED.find(({ library }) => library.test(target));
  if (confined && !confined.where.test(file.path)) return 'this library is confined to a folder';
  if (name === 'shared' && target.startsWith('shared/')) return sharedProblem(file, target);
  if (name === 'control-plane') return controlPlaneProblem(file, target);
  return undefined;
}

function sharedProblem(file: SourceFile, target: string): string | undefined {
  const to = folderOf(target);
  if (to === '')
    return SHARED_LEAVES.includes(target.split('/').pop() ?? '') ? undefined : 'no leaf';
  const from = folderOf(file.path);
  if (from === '') return 'a leaf imports a folder';
  return SHARED_ORDER.indexOf(to) <= SHARED_ORDER.indexOf(from) ? undefined : 'against the order';
}

const ROOTS = /^control-plane\/src\/(worker|node|migrate\.node)\.ts$/;
/** What `node.ts` is made of stands in a folder of its own. */
const PARTS_OF_ROOTS = /^control-plane\/src\/node\//;

function controlPlaneProblem(file: SourceFile, target: string): string | undefined {
  if (ROOTS.test(target)) return 'nobody imports a composition root';
  const from = folderOf(file.path);
  const to = folderOf(target);
  const isRoot = ROOTS.test(file.path) || PARTS_OF_ROOTS.test(file.path);
  // The hub is a composition root of its own: the runtime constructs it, not the worker.
  const isHub = file.path === 'control-plane/src/publication/hub/hub.ts';
  if (to === 'database' && from !== 'database' && !isRoot && !isHub)
    return 'only roots import adapters';
  if (to === 'routes' && from !== 'routes' && file.path !== 'control-plane/src/app.ts') {
    return 'only the app imports routes';
  }
  return undefined;
}

const sources = readSources();
const shipped = sources.filter((file) => !file.isTest);

test('every import of shipped code goes in the allowed direction', () => {
  expect(shipped.length).toBeGreaterThan(50);
  expect(shipped.flatMap(importProblems)).toEqual([]);
});

test('only tests import test support', () => {
  const wrong = shipped.filter((file) =>
    file.imports.some((path) => /\/testing\/|^test\//.test(path)),
  );
  expect(wrong.map((file) => file.path)).toEqual([]);
});

test.each([
  ['edge-worker/src/authorize.ts', "import { a } from '@cardea/control-plane/app';"],
  ['edge-worker/src/authorize.ts', "import * as jose from 'jose';"],
  ['shared/src/jwt/verify.ts', "import { b } from '../feed/head.ts';"],
  ['shared/src/time.ts', "import { b } from './bytes/hex.ts';"],
  ['shared/src/jwt/verify.ts', "import { z } from 'zod';"],
  ['shared/src/macaroon/mint.ts', "import { SHA256 } from '@stablelib/sha256';"],
  ['shared/src/crypto/digest.ts', "import { scrypt } from '@noble/hashes/scrypt.js';"],
  ['control-plane/src/api-keys/issue.ts', "import { s } from '../database/api-key-store.d1.ts';"],
  ['control-plane/src/api-keys/issue.ts', "import { eq } from 'drizzle-orm';"],
  ['control-plane/src/api-keys/issue.ts', "import { Hono } from 'hono';"],
  ['control-plane/src/tokens/derive.ts', "import w from '../worker.ts';"],
  ['control-plane/src/tokens/derive.ts', "import { r } from '../routes/version/get.ts';"],
  ['cli/src/commands/token.ts', "import { c } from '@cardea/control-plane/config';"],
  ['cli/src/commands/token.ts', "const c = await import('@cardea/edge-worker/config');"],
])('a planted wrong import in %s is found: %s', (path, text) => {
  expect(
    importProblems({ path, text, isTest: false, imports: importsOf(path, text) }),
  ).toHaveLength(1);
});
