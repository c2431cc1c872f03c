/** `cardea dev` (`npm start`): the whole system on this machine, until Ctrl-C. */

import type { Command, CommandContext } from '../command.ts';
import { parseStackSettings } from '../dev-stack/settings.ts';
import { type Stack, startStack } from '../dev-stack/stack.ts';
import { StackFailed } from '../dev-stack/stack-failed.ts';
import { renderWalkthrough } from '../dev-stack/walkthrough.ts';
import { CommandFailed } from '../failure.ts';

/** How often to look whether npm is still there, milliseconds. */
const PARENT_MILLISECONDS = 500;

export const devCommand: Command = {
  words: ['dev'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'run control plane, edge worker and a sample API on this machine',
  options: [],
  details: [
    'CONTROL_PLANE_PORT, EDGE_PORT, ORIGIN_PORT  other ports',
    'ORIGIN_URL                                  your own server instead of the sample API',
    'FEED_HARD_SECONDS                           how old a feed the edge may use',
    'CARDEA_STATE_FOLDER                         where the state is kept (default .cardea)',
  ],
  async run(context) {
    const stopping = stopSignal(context.env);
    try {
      return await runStack(context, stopping);
    } catch (error) {
      if (stopping.signal.aborted) return 130; // As a shell reports a program ended by Ctrl-C.
      if (error instanceof StackFailed) throw new CommandFailed(error.message);
      throw error;
    } finally {
      stopping.dispose();
    }
  },
};

async function runStack(context: CommandContext, stopping: StopSignal): Promise<number> {
  context.print('starting Cardea (a first start takes some seconds)');
  const settings = parseStackSettings(context.env);
  const { signal } = stopping;
  const stack = await startStack({
    ...settings,
    signal,
    log: (line) => context.print(`  ${line}`),
  });
  try {
    const { stateFolder } = settings;
    const { controlPlaneUrl, edgeUrl, originUrl, adminToken } = stack;
    const shown = { controlPlaneUrl, edgeUrl, originUrl, adminToken, stateFolder };
    for (const line of renderWalkthrough(shown)) context.print(line);
    return await untilStopped(stack, stopping);
  } finally {
    await stack.stop();
  }
}

/** Waits for a signal (0), or fails when a process of the stack ends by itself. */
async function untilStopped(stack: Stack, stopping: StopSignal): Promise<number> {
  const failed = await Promise.race([stack.failed, stopping.stopped]);
  if (failed === undefined) return 0;
  const { code, signal } = await failed.ended;
  throw new CommandFailed(
    `${failed.name} ended by itself (${signal ?? `exit ${code}`}); everything is stopped ` +
      `(log: ${failed.logFile})`,
  );
}

interface StopSignal {
  readonly signal: AbortSignal;
  readonly stopped: Promise<undefined>;
  readonly dispose: () => void;
}

/**
 * Aborts at the first Ctrl-C, SIGTERM or hang-up; and where npm has started this process, at the end
 * of npm, which tells nobody when it is killed.
 */
function stopSignal(env: CommandContext['env']): StopSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, abort);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (env.npm_lifecycle_event !== undefined && process.ppid !== parent) abort();
  }, PARENT_MILLISECONDS);
  return {
    signal,
    stopped: new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined));
    }),
    dispose() {
      clearInterval(watch);
      for (const name of names) process.off(name, abort);
    },
  };
}
