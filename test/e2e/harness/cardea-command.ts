/** Runs the `cardea` command as a user does: its own process, the real entry, its own environment. */

import { type ChildProcess, spawn } from 'node:child_process';
import { REPOSITORY_FOLDER } from '@cardea/cli/repository';

export const CARDEA = `${REPOSITORY_FOLDER}/cli/bin/cardea.mjs`;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export interface CommandEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<CommandEnd>;
  /** Standard output so far. */
  readonly printed: () => string;
  /** Resolves when standard output holds `text`; rejects if the command ends before. */
  readonly untilPrinted: (text: string) => Promise<string>;
}

/** Starts `program` with nothing of the tests' environment but what programs need. */
export function startCommand(
  [program = '', ...args]: readonly string[],
  { env = {}, input, cwd = REPOSITORY_FOLDER }: CommandOptions = {},
): RunningCommand {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(program, args, { cwd, env: { PATH, HOME, ...env }, stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  child.stdin.on('error', () => {}); // It may end without reading.
  child.stdin.end(input ?? '');
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, out, err }));
  });
  return {
    process: child,
    ended,
    printed: () => out,
    untilPrinted: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!out.includes(text)) return;
          // A server under load writes megabytes: they must not be searched for ever.
          child.stdout.off('data', look);
          resolve(out);
        };
        child.stdout.on('data', look);
        look();
        void ended.then((end) => reject(new Error(`ended without "${text}": ${end.err}`)), reject);
      }),
  };
}

export function runCommand(argv: readonly string[], options?: CommandOptions): Promise<CommandEnd> {
  return startCommand(argv, options).ended;
}

export function runCardea(args: readonly string[], options?: CommandOptions): Promise<CommandEnd> {
  return runCommand([process.execPath, CARDEA, ...args], options);
}
