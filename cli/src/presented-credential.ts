/**
 * The credential that a command presents: from the environment or standard input. Never from the
 * command line, where it would stay in the shell's history and in the list of processes.
 */

import type { CommandContext } from './command.ts';
import { UsageError } from './failure.ts';

export const CREDENTIAL_HELP = [
  'The credential comes from CARDEA_API_KEY, or from standard input where that is not set or "-" is',
  'given: never from the command line, where the history of the shell and ps would show it.',
];

/** For commands whose only operand may be `-`. */
export async function readCredential(context: CommandContext): Promise<string> {
  const [operand] = context.operands;
  if (operand !== undefined && operand !== '-') {
    throw new UsageError('a credential does not go on the command line: CARDEA_API_KEY or "-"');
  }
  const fromEnvironment = operand === '-' ? '' : (context.env.CARDEA_API_KEY ?? '').trim();
  if (fromEnvironment !== '') return fromEnvironment;
  const credential = ((await context.readInput()) ?? '').trim();
  if (credential === '') {
    throw new UsageError('no credential: set CARDEA_API_KEY or give it on standard input');
  }
  return credential;
}
