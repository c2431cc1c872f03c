/** `cardea keys disable`: refuse an API key, and the tokens derived from it, until it is enabled. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { keyPathOf } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysDisableCommand: Command = {
  words: ['keys', 'disable'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'refuse an API key, and its tokens, until it is enabled',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const call = { method: 'POST', path: `${keyPathOf(context)}:disable`, json: {} } as const;
    printAnswer(context, format, await callAsAdmin(context, call));
    return 0;
  },
};
