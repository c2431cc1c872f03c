/** `cardea edges rotate`: a new secret for an edge. It is shown this once. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { EDGES, ENV_HELP, printEdgeSecret } from '../edges.ts';
import { UsageError } from '../failure.ts';
import { formatOf } from '../output.ts';

export const edgesRotateCommand: Command = {
  words: ['edges', 'rotate'],
  operands: 'EDGE_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'give an edge a new secret, shown this once',
  options: ['endpoint', 'format', 'overlap'],
  details: [
    '--overlap 1h lets the old secret open keys for that long (at most 7d); without, no longer.',
    ENV_HELP,
  ],
  async run(context) {
    const { overlap } = context.options;
    formatOf(context.options, ['table', 'json', 'env']);
    const edgeId = context.operands[0] ?? '';
    if (edgeId === '') throw new UsageError('EDGE_ID is empty');
    const path = `${EDGES}/${encodeURIComponent(edgeId)}:rotate`;
    const json = overlap === undefined ? {} : { overlap };
    printEdgeSecret(context, await callAsAdmin(context, { method: 'POST', path, json }));
    return 0;
  },
};
