/**
 * Finds the command that the arguments ask for and runs it.
 * Exit status: 0 done, 1 refused or failed, 2 a wrong command line.
 */

import { parseArgs } from 'node:util';
import type { Command, CommandContext, OptionValues } from './command.ts';
import { OPTIONS } from './command.ts';
import { COMMANDS } from './commands/all.ts';
import { renderHelp, renderUsage } from './commands/help.ts';
import { CommandFailed, UsageError } from './failure.ts';

export type CliIo = Omit<CommandContext, 'options' | 'operands'>;

/** Runs one command line (without `node` and the script) and returns the exit status. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.complain(`cardea: ${error.message} (see "cardea help")`);
      return 2;
    }
    if (error instanceof CommandFailed) {
      io.complain(`cardea: ${error.message}`);
      return 1;
    }
    throw error; // A bug: the stack is what its finder needs.
  }
}

async function dispatch(args: readonly string[], io: CliIo): Promise<number> {
  const { options, words } = parseCommandLine(args);
  const wantsHelp = options.help === true || words[0] === 'help';
  if (words[0] === 'help') words.shift();
  const command = findCommand(words);
  if (command === undefined) {
    if (words.length > 0) throw new UsageError(`there is no command "${words.join(' ')}"`);
    for (const line of renderHelp(COMMANDS)) io.print(line);
    return wantsHelp ? 0 : 2;
  }
  if (wantsHelp) {
    for (const line of renderUsage(command)) io.print(line);
    return 0;
  }
  for (const name of Object.keys(options)) {
    if (!(command.options as readonly string[]).includes(name)) {
      throw new UsageError(`"${command.words.join(' ')}" takes no --${name}`);
    }
  }
  const operands = words.slice(command.words.length);
  const { min, max } = command.operandCount;
  if (operands.length < min || operands.length > max) {
    throw new UsageError(`usage: cardea ${command.words.join(' ')} ${command.operands}`.trim());
  }
  return command.run({ ...io, options, operands });
}

function parseCommandLine(args: readonly string[]): { options: OptionValues; words: string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    return { options: { ...parsed.values }, words: parsed.positionals };
  } catch (error) {
    // parseArgs names the offending option; it has no other way to say so than to throw.
    const isArgumentError =
      error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE');
    if (!isArgumentError) throw error;
    throw new UsageError(error.message.split('. ')[0] ?? 'wrong arguments');
  }
}

function findCommand(words: readonly string[]): Command | undefined {
  return COMMANDS.find((command) => command.words.every((word, i) => words[i] === word));
}

/** Runs the process's own command line. Sets the exit status instead of exiting. */
export async function runFromProcess(): Promise<void> {
  // Whoever reads may stop reading (`| head`): that is no reason to fail, let alone to crash.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    complain: (line) => process.stderr.write(`${line}\n`),
    readInput: readStandardInput,
  });
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

async function readStandardInput(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
