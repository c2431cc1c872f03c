/** Looks for a text in every file below some folders, byte by byte: databases and logs alike. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The paths of the files that hold `text`. */
export function filesWith(text: string, folders: readonly string[]): string[] {
  if (text === '') throw new Error('an empty text is in every file');
  const wanted = Buffer.from(text);
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .filter((path) => readFileSync(path).includes(wanted));
}
