/**
 * One process of the local stack: started in a process group of its own, its output in a log
 * file, stopped together with everything that it has started.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { parseJsonObject, textOf } from '../json-object.ts';
import { endGroup, signalGroup } from './process-group.ts';

/** What a process gets for stopping in order before it is ended, milliseconds. */
const STOP_MILLISECONDS_MAX = 6_000;

/** Characters of a log line that are shown. */
const COMPLAINT_LENGTH_MAX = 300;

/** A module to preload, with {@link PARENT_PIPE} set: the process ends with the one that started it. */
export const END_WITH_PARENT = new URL('./end-with-parent.mjs', import.meta.url).href;

/** Names the number of a pipe that only the starter holds open. */
export const PARENT_PIPE = 'CARDEA_PARENT_PIPE';

/** What children see of the environment: no credentials, no settings of other tools. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'USER', 'LANG', 'LC_ALL', 'TZ', 'XDG_CONFIG_HOME'];

export interface ChildSpecification {
  /** Named in messages. */
  readonly name: string;
  /** A script for Node, and its arguments. No secrets: everybody on the machine can read them. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process is gone, with all that it has started; never rejects. */
  readonly ended: Promise<ChildEnd>;
  readonly hasEnded: () => boolean;
  /** Stops it and everything it has started; resolves when it is gone. */
  readonly stop: () => Promise<void>;
  /** Stops the clock for it: it keeps its connections and does nothing. `stop` still works. */
  readonly freeze: () => void;
  /** The last line of its log that looks like the reason of a failure, or the last line. */
  readonly lastComplaint: () => string;
}

/** Starts the process. Throws if it cannot even be started. */
export function startChild(specification: ChildSpecification): Child {
  const { name, logFile } = specification;
  const process_ = spawnInGroup(specification);
  const { pid } = process_;
  if (pid === undefined) throw new Error(`${name} cannot be started`);

  process_.stdio[3]?.on('error', () => {}); // Its end is seen by 'exit'.
  let end: ChildEnd | undefined;
  const ended = new Promise<ChildEnd>((resolve) => {
    process_.once('exit', (code, signal) => {
      end = { code, signal };
      void endGroup(pid).then(() => resolve({ code, signal }));
    });
  });
  return {
    name,
    pid,
    logFile,
    ended,
    hasEnded: () => end !== undefined,
    async stop() {
      if (end === undefined) {
        signalGroup(pid, 'SIGCONT');
        process_.kill('SIGTERM');
      }
      const patience = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_MILLISECONDS_MAX);
      await ended;
      clearTimeout(patience);
    },
    freeze: () => signalGroup(pid, 'SIGSTOP'),
    lastComplaint: () => findComplaint(logFile),
  };
}

function spawnInGroup({ args, env, cwd, logFile }: ChildSpecification): ChildProcess {
  const passedOn = PASSED_ON.map((name) => [name, process.env[name]] as const);
  const log = openSync(logFile, 'a', 0o600);
  try {
    // Node before 22.18 needs this flag for the scripts too.
    const flags = process.execArgv.filter((flag) => flag === '--experimental-strip-types');
    const argv = ['--no-warnings', ...flags, `--import=${END_WITH_PARENT}`, ...args];
    return spawn(process.execPath, argv, {
      cwd,
      detached: true,
      env: { ...Object.fromEntries(passedOn), ...env, [PARENT_PIPE]: '3' },
      stdio: ['ignore', log, log, 'pipe'], // The fourth is number 3.
    });
  } finally {
    closeSync(log);
  }
}

function findComplaint(logFile: string): string {
  const lines = stripVTControlCharacters(readFileSync(logFile, 'utf8'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.findLast((text) => /error|✘|invalid|missing/i.test(text)) ?? lines.at(-1);
  // The runtime logs JSON; the message is what tells.
  const message = textOf(parseJsonObject(line ?? '')?.message) || (line ?? '');
  return message.replaceAll(/\s+/g, ' ').slice(0, COMPLAINT_LENGTH_MAX);
}
