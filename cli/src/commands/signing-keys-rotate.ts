/** `cardea signing-keys rotate`: make a new signing key; it signs once every edge must know it. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { asJsonObject } from '../json-object.ts';
import { formatOf, printAnswer } from '../output.ts';
import { SIGNING_KEYS } from '../signing-keys.ts';

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];

export const signingKeysRotateCommand: Command = {
  words: ['signing-keys', 'rotate'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'make a new signing key; it signs once every edge must know it',
  options: ['endpoint', 'format', 'algorithm'],
  details: [`--algorithm ${ALGORITHMS.join('|')} (default EdDSA)`],
  async run(context) {
    const { algorithm } = context.options;
    const format = formatOf(context.options, ['table', 'json']);
    if (algorithm !== undefined && !ALGORITHMS.includes(algorithm)) {
      throw new UsageError(`--algorithm must be one of ${ALGORITHMS.join(', ')}`);
    }
    const json = algorithm === undefined ? {} : { algorithm };
    const path = `${SIGNING_KEYS}:rotate`;
    const answer = await callAsAdmin(context, { method: 'POST', path, json });
    const key = asJsonObject(answer.signing_key);
    if (key === undefined) throw new CommandFailed('the control plane answered without a key');
    const { jwk: _, ...shown } = key;
    printAnswer(context, format, format === 'json' ? answer : shown);
    return 0;
  },
};
