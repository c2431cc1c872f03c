/** `cardea signing-keys list`: the keys that sign derived tokens, and where each is in its life. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { formatOf, printAnswer, printable } from '../output.ts';
import { SIGNING_KEYS } from '../signing-keys.ts';

export const signingKeysListCommand: Command = {
  words: ['signing-keys', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list the keys that sign derived tokens, and where each is in its life',
  options: ['endpoint', 'format'],
  details: ['A line has kid, algorithm, state, and when it signs from and verifies until.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const answer = await callAsAdmin(context, { method: 'GET', path: SIGNING_KEYS });
    if (format === 'json') {
      printAnswer(context, 'json', answer);
      return 0;
    }
    const keys = Array.isArray(answer.signing_keys) ? answer.signing_keys : [];
    for (const key of keys) context.print(lineOf(key));
    return 0;
  },
};

function lineOf(value: unknown): string {
  const { kid, algorithm, state, activate_time, retire_time } = asJsonObject(value) ?? {};
  const times = [activate_time, retire_time].map((time) => textOf(time) || '-');
  return printable([textOf(kid), textOf(algorithm), textOf(state), ...times].join('  '));
}
