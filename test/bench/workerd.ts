/** Starts bundled worker scripts in the real workerd, for measurements. Loopback only. */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from 'miniflare';

interface Bundling {
  /** Modules to replace by files beside this one. */
  readonly alias?: Readonly<Record<string, string>>;
}

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export async function bundleWorker(path: string, { alias = {} }: Bundling = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [pathOf(path)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    alias: Object.fromEntries(Object.entries(alias).map(([name, file]) => [name, pathOf(file)])),
    external: ['cloudflare:*', 'node:*'],
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

export const COMPATIBILITY_DATE = '2026-10-20';

export interface RunningWorkerd {
  readonly url: URL;
  readonly miniflare: Miniflare;
  stop(): Promise<void>;
}

/** With a `storageFolder`, databases, KV and Durable Objects are there for the next start, too. */
export async function startWorkerd(
  options: V4MiniflareOptions,
  storageFolder?: string,
): Promise<RunningWorkerd> {
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({ host: '127.0.0.1', port: 0, ...options }),
    ...(storageFolder === undefined ? {} : { resourcePersistencePath: storageFolder }),
  });
  return { url: await miniflare.ready, miniflare, stop: () => miniflare.dispose() };
}
