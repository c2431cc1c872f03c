/** `cardea keys enable`: let a disabled API key work again. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { keyPathOf } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysEnableCommand: Command = {
  words: ['keys', 'enable'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'let a disabled API key work again',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const call = { method: 'POST', path: `${keyPathOf(context)}:enable`, json: {} } as const;
    printAnswer(context, format, await callAsAdmin(context, call));
    return 0;
  },
};
