/** `cardea keys delete`: remove an imported API key, and cut off the tokens derived from it. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { importedKeyPathOf } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysDeleteCommand: Command = {
  words: ['keys', 'delete'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'remove an imported API key, and cut off the tokens derived from it',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const [keyId = ''] = context.operands;
    await callAsAdmin(context, { method: 'DELETE', path: importedKeyPathOf(context) });
    if (format === 'json') printAnswer(context, 'json', { key_id: keyId, deleted: true });
    else context.print(`deleted ${keyId}`);
    return 0;
  },
};
