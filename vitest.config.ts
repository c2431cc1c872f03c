import { availableParallelism } from 'node:os';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { controlPlaneTestBindings } from './control-plane/testing/bindings.ts';

/**
 * A console line that another request context (a Durable Object, a timer) prints as the last message of a file waits in the
 * pool's plugin for the next message, and vitest waits for its acknowledgement before it sends one: the run hangs.
 */
const INTERCEPT_HANGS = true;

/** A machine may be ten times slower than usual: what hangs still ends, what is slow still passes. */
const TEST_MILLISECONDS_MAX = 30_000;

/** Vitest leaves one core to itself, which on two cores means one file after the other. Its own work is small. */
const WORKERS_MAX = Math.max(2, availableParallelism() - 1);

/** The kinds of test, by where they run. `npm test` runs them all, `npm test -- --project unit` one. */
export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    maxWorkers: WORKERS_MAX,
    silent: 'passed-only', // Workers log a line for each request.
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{shared,control-plane,edge-worker,cli}/src/**/*.test.ts',
            'test/{conformance,simulation}/**/*.test.ts',
          ],
          exclude: ['**/*.workerd.test.ts', '**/node_modules/**'],
          testTimeout: TEST_MILLISECONDS_MAX,
        },
      },
      {
        test: {
          name: 'tidy',
          include: ['test/tidy/**/*.test.ts'],
          testTimeout: TEST_MILLISECONDS_MAX, // Bundles are made beside the type checker.
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './control-plane/wrangler.toml' },
            miniflare: { bindings: await controlPlaneTestBindings() },
          })),
        ],
        test: {
          name: 'control-plane',
          disableConsoleIntercept: INTERCEPT_HANGS,
          testTimeout: TEST_MILLISECONDS_MAX,
          include: ['control-plane/src/**/*.workerd.test.ts'],
          setupFiles: [
            './control-plane/testing/quiet-console.ts',
            './control-plane/testing/apply-migrations.ts',
          ],
          globalSetup: ['./control-plane/testing/issuer-server.ts'],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              // The real configuration, but for the names and the feed key that the tests publish under.
              bindings: {
                ENVIRONMENT_ID: 'test',
                ISSUER: 'https://issuer.test',
                AUDIENCE: 'https://api.test',
                FEED_PUBLIC_KEYS: 'iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w',
              },
              outboundService: 'origin',
              workers: [
                {
                  name: 'origin',
                  modules: true,
                  scriptPath: './edge-worker/src/testing/origin.mjs',
                  compatibilityDate: '2026-10-20',
                },
              ],
            },
          }),
        ],
        test: {
          name: 'edge-worker',
          disableConsoleIntercept: INTERCEPT_HANGS,
          testTimeout: TEST_MILLISECONDS_MAX,
          include: ['edge-worker/src/**/*.workerd.test.ts', 'shared/src/**/*.workerd.test.ts'],
        },
      },
      {
        test: {
          name: 'stores',
          include: ['test/stores/**/*.test.ts'],
          globalSetup: ['./test/stores/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,faults,docs}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
