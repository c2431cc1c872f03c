/** `cardea revocations get`: one revocation, and how far it is on its way to the edges. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';
import { REVOCATIONS } from '../revocations.ts';

export const revocationsGetCommand: Command = {
  words: ['revocations', 'get'],
  operands: 'REVOCATION_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'show a revocation, and how far it is on its way to the edges',
  options: ['endpoint', 'format', 'tenant'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const [id = ''] = context.operands;
    if (id === '') throw new UsageError('REVOCATION_ID is empty');
    const { tenant } = context.options;
    const path = `${REVOCATIONS}/${encodeURIComponent(id)}`;
    const call = { method: 'GET', path, ...(tenant === undefined ? {} : { tenant }) } as const;
    printAnswer(context, format, await callAsAdmin(context, call));
    return 0;
  },
};
