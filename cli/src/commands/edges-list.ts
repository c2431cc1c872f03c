/** `cardea edges list`: every edge, without its secret. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { EDGES } from '../edges.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { formatOf, printable } from '../output.ts';

export const edgesListCommand: Command = {
  words: ['edges', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list the edges that verify macaroons, revoked ones included',
  options: ['endpoint', 'format'],
  details: ['A line has id, status, name, tenants and audiences.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const { edges } = await callAsAdmin(context, { method: 'GET', path: EDGES });
    for (const edge of Array.isArray(edges) ? edges : []) {
      context.print(format === 'json' ? JSON.stringify(edge) : lineOf(edge));
    }
    return 0;
  },
};

function lineOf(value: unknown): string {
  const { edge_id, status, name, tenants, audiences } = asJsonObject(value) ?? {};
  const lists = [tenants, audiences].map((list) => (Array.isArray(list) ? list.join(',') : ''));
  return printable([edge_id, status, name, ...lists].map(textOf).join('  '));
}
