/** `cardea revoke actor`: sign an actor out everywhere. */

import type { Command } from '../command.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint, UNTIL_HELP } from '../revocations.ts';

export const revokeActorCommand: Command = {
  words: ['revoke', 'actor'],
  operands: 'ACTOR',
  operandCount: { min: 1, max: 1 },
  summary: 'sign an actor out everywhere: tokens of all its keys; the keys go on',
  options: [...REVOKE_OPTIONS, 'until'],
  details: [UNTIL_HELP, ...REVOKE_HELP],
  run: (context) =>
    revokeAndPrint(context, { target: 'actor', subject: context.operands[0] ?? '' }),
};
