/** What only Node has stays out of the bundle that is deployed to Workers. */

import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ROOT } from './source-files.ts';

/** Metrics, traces, servers and embedded databases: Workers cannot run them, and they are large. */
const FORBIDDEN = [
  /node_modules\/(prom-client|@opentelemetry|@electric-sql|@hono\/node-server)\//,
  /^control-plane\/src\/(node\/|node\.ts$|.+\.node\.ts$)/,
  /\/testing\/|\.test\.ts$/,
];

const OBSERVABILITY = 'control-plane/src/node/instruments.ts';

/** Workers take 3 MB on the free plan (10 MB on others); half of that is a warning in time. */
const GZIP_KB_MAX = 1500;

async function bundle(entry: string) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    platform: 'node', // Leaves the runtime's own modules alone, as wrangler does.
    external: ['cloudflare:*'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return { inputs: Object.keys(metafile.inputs), script: outputFiles[0]?.contents };
}

const forbidden = (inputs: readonly string[]) =>
  inputs.filter((path) => FORBIDDEN.some((pattern) => pattern.test(path)));

test('the bundle for Workers holds nothing that only Node has, and fits', async () => {
  const { inputs, script } = await bundle('control-plane/src/worker.ts');
  expect(inputs.length).toBeGreaterThan(100);
  expect(forbidden(inputs)).toEqual([]);
  const kilobytes = gzipSync(script ?? new Uint8Array()).length / 1024;
  expect(kilobytes).toBeGreaterThan(50);
  expect(kilobytes).toBeLessThan(GZIP_KB_MAX);
});

test('the check would see it: what observes on Node has all of it', async () => {
  const { inputs } = await bundle(OBSERVABILITY);
  expect(forbidden(inputs).length).toBeGreaterThan(20);
});
