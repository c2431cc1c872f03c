/**
 * `cardea serve`: the control plane on Node. This process only stands in front of it: it passes
 * signals on and ends as the server does. With `--dev` the local stack runs around it.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Command, CommandContext } from '../command.ts';
import { END_WITH_PARENT, PARENT_PIPE } from '../dev-stack/child.ts';
import { runInForeground } from '../dev-stack/foreground.ts';
import { NODE_CONTROL_PLANE } from '../dev-stack/node-control-plane.ts';
import { stateFolderOf } from '../dev-stack/settings.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { STACK_DETAILS } from './dev.ts';

const SURFACES = ['admin', 'public'];

export const serveCommand: Command = {
  words: ['serve'],
  operands: '[admin|public]',
  operandCount: { min: 0, max: 1 },
  summary: 'run the control plane on Node: all of it, the admin API or the public part',
  options: ['dev', 'migrate'],
  details: [
    '--migrate  brings the database up to date first (the embedded one always is)',
    '--dev      with edge worker and sample API beside it, as "cardea dev" does on Workers',
    'DATABASE_URL                                PostgreSQL; without it an embedded database',
    'CONTROL_PLANE_HOST, CONTROL_PLANE_PORT      where it listens (default 127.0.0.1:4420)',
    'docs/configuration.md has the other settings. With --dev:',
    ...STACK_DETAILS,
  ],
  async run(context) {
    const [surface] = context.operands;
    if (surface !== undefined && !SURFACES.includes(surface)) {
      throw new UsageError(`"serve" serves ${SURFACES.join(' or ')}, or everything`);
    }
    if (context.options.dev !== true) return runServer(context, surface);
    if (surface !== undefined) throw new UsageError('"serve --dev" always serves everything');
    return runInForeground(context, 'node');
  },
};

async function runServer(context: CommandContext, surface: string | undefined): Promise<number> {
  const flags = process.execArgv.filter((flag) => flag === '--experimental-strip-types');
  const child = spawn(
    process.execPath,
    [
      ...['--no-warnings', ...flags, `--import=${END_WITH_PARENT}`, NODE_CONTROL_PLANE],
      ...(context.options.migrate === true ? ['--migrate'] : []),
    ],
    {
      // A group of its own: a terminal sends Ctrl-C to a whole group, and a second one means "now".
      detached: true,
      env: {
        ...context.env,
        ...(surface === undefined ? {} : { SURFACE: surface }),
        CARDEA_STATE_FOLDER: stateFolderOf(context.env),
        [PARENT_PIPE]: '3',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'], // The fourth is number 3.
    },
  );
  child.stdio[3]?.on('error', () => {}); // Its end is seen by 'exit'.
  return endOf(child);
}

/** Resolves with its exit status; signals that arrive until then are passed on. */
function endOf(child: ChildProcess): Promise<number> {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const passOn = (name: NodeJS.Signals) => child.kill(name);
  for (const name of names) process.on(name, passOn);
  return new Promise<number>((resolve, reject) => {
    child.once('error', () => reject(new CommandFailed('the control plane cannot be started')));
    child.once('exit', (code, signal) => {
      // As a shell reports a program that was ended by a signal.
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  }).finally(() => {
    for (const name of names) process.off(name, passOn);
  });
}
