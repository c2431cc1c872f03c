/** What `cardea migrate up` and `cardea migrate status` share: the control plane's own program runs. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CommandContext } from './command.ts';
import { stateFolderOf } from './dev-stack/settings.ts';
import { CommandFailed } from './failure.ts';
import { REPOSITORY_FOLDER } from './repository.ts';

const PROGRAM = join(REPOSITORY_FOLDER, 'control-plane/src/migrate.node.ts');

export const MIGRATE_DETAILS: readonly string[] = [
  'DATABASE_URL  PostgreSQL; without it the embedded database of "cardea serve"',
  'D1 has wrangler for this: npx wrangler d1 migrations apply cardea --remote -c control-plane/wrangler.toml',
];

export function runMigrate(what: 'up' | 'status', { env }: CommandContext): Promise<number> {
  const flags = process.execArgv.filter((flag) => flag === '--experimental-strip-types');
  const child = spawn(process.execPath, ['--no-warnings', ...flags, PROGRAM, what], {
    env: { ...env, CARDEA_STATE_FOLDER: stateFolderOf(env) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(new CommandFailed('the migrations cannot be started')));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
