/** `cardea revoke signing-key`: end a signing key that leaked, with all that it has signed. */

import type { Command } from '../command.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint } from '../revocations.ts';

export const revokeSigningKeyCommand: Command = {
  words: ['revoke', 'signing-key'],
  operands: 'KID',
  operandCount: { min: 1, max: 1 },
  summary: 'end a signing key that leaked, with all that it has signed; another one is made',
  options: REVOKE_OPTIONS,
  details: [
    'Of the key in use: no tokens are derived until every edge must know the next one.',
    ...REVOKE_HELP,
  ],
  run: (context) =>
    revokeAndPrint(context, { target: 'signing_key', subject: context.operands[0] ?? '' }),
};
