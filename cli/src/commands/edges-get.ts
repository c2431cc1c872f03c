/** `cardea edges get`: one edge, without its secret. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { EDGES } from '../edges.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';

export const edgesGetCommand: Command = {
  words: ['edges', 'get'],
  operands: 'EDGE_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'show an edge: what it gets keys for, and where it stands',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const edgeId = context.operands[0] ?? '';
    if (edgeId === '') throw new UsageError('EDGE_ID is empty');
    const path = `${EDGES}/${encodeURIComponent(edgeId)}`;
    printAnswer(context, format, await callAsAdmin(context, { method: 'GET', path }));
    return 0;
  },
};
