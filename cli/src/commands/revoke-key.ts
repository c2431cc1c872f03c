/** `cardea revoke key`: revoke an API key for good, or only the tokens derived from it up to a time. */

import type { Command } from '../command.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint, UNTIL_HELP } from '../revocations.ts';

export const revokeKeyCommand: Command = {
  words: ['revoke', 'key'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'revoke an API key for good, or with --cut-off only the tokens it was exchanged for',
  options: [...REVOKE_OPTIONS, 'cut-off', 'until'],
  details: ['--cut-off: the key goes on, its tokens of before do not', UNTIL_HELP, ...REVOKE_HELP],
  run: (context) => {
    const { 'cut-off': isCutOff = false, until } = context.options;
    const subject = context.operands[0] ?? '';
    return revokeAndPrint(context, {
      ...{ target: 'key', subject },
      ...(isCutOff || until !== undefined ? { extent: 'cut_off' } : {}),
    });
  },
};
