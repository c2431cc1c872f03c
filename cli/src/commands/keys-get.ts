/** `cardea keys get`: show an API key, issued or imported, without its secret. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { keyPathOf } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysGetCommand: Command = {
  words: ['keys', 'get'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'show an API key, issued or imported',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const call = { method: 'GET', path: keyPathOf(context) } as const;
    printAnswer(context, format, await callAsAdmin(context, call));
    return 0;
  },
};
