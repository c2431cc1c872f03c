/** `cardea revoke token`: revoke one derived token, and whatever was derived from it. */

import type { Command, CommandContext } from '../command.ts';
import { UsageError } from '../failure.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint } from '../revocations.ts';
import { tokenIdOf } from '../token-id.ts';

export const revokeTokenCommand: Command = {
  words: ['revoke', 'token'],
  operands: 'JTI|-',
  operandCount: { min: 1, max: 1 },
  summary: 'revoke one derived token, and whatever was derived from it',
  options: REVOKE_OPTIONS,
  details: [
    'With - the token itself is read from standard input, for its jti; it is sent nowhere.',
    ...REVOKE_HELP,
  ],
  run: async (context) =>
    revokeAndPrint(context, { target: 'token', subject: await jtiOf(context) }),
};

async function jtiOf({ operands, readInput }: CommandContext): Promise<string> {
  const [jti = ''] = operands;
  if (jti !== '-') return jti;
  const found = tokenIdOf(((await readInput()) ?? '').trim());
  if (found === undefined) throw new UsageError('standard input holds no token with a jti');
  return found;
}
