/** `cardea revoke everything`: cut off every token of every tenant. */

import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint, UNTIL_HELP } from '../revocations.ts';

export const revokeEverythingCommand: Command = {
  words: ['revoke', 'everything'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'cut off every token of every tenant; needs --force',
  options: [...REVOKE_OPTIONS, 'force', 'until'],
  details: [UNTIL_HELP, ...REVOKE_HELP],
  run: (context) => {
    if (context.options.force !== true) {
      throw new UsageError('this ends the tokens of all clients of all tenants: give --force');
    }
    return revokeAndPrint(context, { target: 'everything' });
  },
};
