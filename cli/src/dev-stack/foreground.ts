/** Runs the local stack for a command: until Ctrl-C, or until one of its processes ends by itself. */

import type { CommandContext } from '../command.ts';
import { CommandFailed } from '../failure.ts';
import { parseStackSettings } from './settings.ts';
import { type Stack, type StackOptions, startStack } from './stack.ts';
import { StackFailed } from './stack-failed.ts';
import { renderWalkthrough } from './walkthrough.ts';

/** How often to look whether npm is still there, milliseconds. */
const PARENT_MILLISECONDS = 500;

/** Prints the walkthrough when everything answers; returns the exit status when all is stopped. */
export async function runInForeground(
  context: CommandContext,
  runtime: StackOptions['runtime'],
): Promise<number> {
  const stopping = stopSignal(context.env);
  try {
    return await runStack(context, stopping, runtime);
  } catch (error) {
    if (stopping.signal.aborted) return 130; // As a shell reports a program ended by Ctrl-C.
    if (error instanceof StackFailed) throw new CommandFailed(error.message);
    throw error;
  } finally {
    stopping.dispose();
  }
}

async function runStack(
  context: CommandContext,
  stopping: StopSignal,
  runtime: StackOptions['runtime'],
): Promise<number> {
  context.print('starting Cardea (a first start takes some seconds)');
  const settings = parseStackSettings(context.env);
  const { signal } = stopping;
  const stack = await startStack({
    ...settings,
    ...(runtime === undefined ? {} : { runtime }),
    env: context.env,
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
