/** The edge bundle verifies and nothing else: it can neither issue nor store, and it stays small. */

import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ROOT, withoutComments } from './source-files.ts';

const GZIP_KB_MAX = 40;

/** Modules whose presence would mean that the edge can make credentials or reach a database. */
const FORBIDDEN = [
  /^control-plane\//,
  /^cli\//,
  /node_modules\/(?!@noble\/ciphers\/|@stablelib\/(sha256|binary|int|wipe)\/)/,
  /\/testing\//,
  /\.test\.ts$/,
  /^shared\/src\/crypto\/(random|generate-key-pair|derive-key)\.ts$/,
];

/** What issues, signs, seals, draws keys or writes to a database, as it stands in unminified code. */
const FORBIDDEN_CODE = [
  ...[/\bformatApiKey\b/, /\bsealAead\b/, /\brandomBytes\b/, /\bdrizzle\b/],
  ...[/\bmintMacaroon\b/, /\bsealMacaroonKey\b/, /\bsealSecretBox\b/],
  ...[/subtle\.(sign|encrypt|deriveKey|generateKey|wrapKey)\b/, /\bINSERT\b/, /\bUPDATE\b/],
];

async function bundle(entry: string, { minify = true } = {}) {
  return build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    conditions: ['workerd'], // As wrangler resolves packages.
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
}

function forbiddenInputs(metafile: { inputs: Record<string, unknown>; outputs: object }): string[] {
  const kept = Object.values(
    metafile.outputs as Record<string, { inputs: Record<string, { bytesInOutput: number }> }>,
  ).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => inputs[path]?.bytesInOutput));
  return kept.filter((path) => FORBIDDEN.some((pattern) => pattern.test(path)));
}

test('no code that issues or stores is in the edge bundle', async () => {
  const { metafile } = await bundle('edge-worker/src/worker.ts');
  expect(Object.keys(metafile.inputs).length).toBeGreaterThan(20);
  expect(forbiddenInputs(metafile)).toEqual([]);
});

async function forbiddenCode(entry: string): Promise<string[]> {
  const { outputFiles } = await bundle(entry, { minify: false });
  const code = withoutComments(outputFiles[0]?.text ?? '');
  return FORBIDDEN_CODE.filter((pattern) => pattern.test(code)).map(String);
}

test('no function of the edge bundle signs, seals, draws keys or writes rows', async () => {
  expect(await forbiddenCode('edge-worker/src/worker.ts')).toEqual([]);
});

test('the check would see it: the control plane has all of them', async () => {
  expect((await forbiddenCode('control-plane/src/worker.ts')).length).toBeGreaterThan(5);
});

test('the check would see it: the control plane bundle does contain such code', async () => {
  const { metafile } = await bundle('control-plane/src/worker.ts');
  expect(forbiddenInputs(metafile).length).toBeGreaterThan(10);
});

test(`the edge bundle is at most ${GZIP_KB_MAX} KB`, async () => {
  const { outputFiles } = await bundle('edge-worker/src/worker.ts');
  const bytes = gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes / 1024).toBeLessThanOrEqual(GZIP_KB_MAX);
});
