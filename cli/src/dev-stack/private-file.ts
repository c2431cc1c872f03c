/** Writes files that only their owner may read. */

import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Replaces `path` by `content`, mode 0600, all or nothing: a reader never sees half a file. */
export function writePrivateFile(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.tmp`;
  // Removed first: an existing file would keep its own mode.
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, content, { mode: 0o600, flag: 'wx' });
  renameSync(unfinished, path);
}
