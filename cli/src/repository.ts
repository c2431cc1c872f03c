/** Where this checkout is. The development stack and the version live in files beside the code. */

import { fileURLToPath } from 'node:url';

/** The folder with package.json and wrangler.toml; ends without a slash. */
export const REPOSITORY_FOLDER = fileURLToPath(new URL('../..', import.meta.url)).replace(
  /\/$/,
  '',
);
