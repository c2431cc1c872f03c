/**
 * Installs the benchmark's peer into a folder that is gone afterwards. It is no dependency of the
 * repository: its peer dependencies do not agree with each other, and nobody but this run needs it.
 */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGES = ['better-auth@1.7.25', '@better-auth/api-key@1.7.5', 'pg@8.23.1'];
const SERVER = fileURLToPath(new URL('./better-auth-server.mjs', import.meta.url));
const INSTALL_MILLISECONDS_MAX = 120_000;

export interface InstalledPeer {
  /** The script to run with Node. */
  readonly script: string;
  readonly dispose: () => void;
}

/** `undefined` where the packages cannot be had: the figure is then left out, and says so. */
export async function installBetterAuth(): Promise<InstalledPeer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-peer-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}');
  const options = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await promisify(execFile)('npm', ['install', ...options, ...PACKAGES], {
      cwd: folder,
      timeout: INSTALL_MILLISECONDS_MAX,
    });
  } catch (error) {
    console.error(`better-auth cannot be installed: ${error instanceof Error ? error.name : ''}`);
    dispose();
    return undefined;
  }
  const script = join(folder, 'server.mjs');
  copyFileSync(SERVER, script);
  return { script, dispose };
}
