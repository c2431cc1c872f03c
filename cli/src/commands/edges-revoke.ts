/** `cardea edges revoke`: no more keys for an edge. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { EDGES } from '../edges.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer, printable } from '../output.ts';

export const edgesRevokeCommand: Command = {
  words: ['edges', 'revoke'],
  operands: 'EDGE_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'end an edge: it gets no more keys',
  options: ['endpoint', 'format'],
  details: ['What keys it has it keeps until their epochs end: revoke those too if they leaked.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const edgeId = context.operands[0] ?? '';
    if (edgeId === '') throw new UsageError('EDGE_ID is empty');
    const path = `${EDGES}/${encodeURIComponent(edgeId)}:revoke`;
    await callAsAdmin(context, { method: 'POST', path, json: {} });
    if (format === 'json') printAnswer(context, 'json', { edge_id: edgeId, revoked: true });
    else context.print(`revoked ${printable(edgeId)}`);
    return 0;
  },
};
