/** Whether another user could run what lies in a folder. */

import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const ENTERED_BY_OTHERS = 0o001;

/** The first folder on the way up from `folder` that other users may not enter; `undefined` if they may. */
export function closedFolderOf(folder: string): string | undefined {
  if ((statSync(folder).mode & ENTERED_BY_OTHERS) === 0) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : closedFolderOf(parent);
}
