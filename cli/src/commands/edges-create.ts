/** `cardea edges create`: register an edge. Its secret is shown this once. */

import { callAsAdmin } from '../admin-call.ts';
import { listOf } from '../comma-list.ts';
import type { Command } from '../command.ts';
import { EDGES, ENV_HELP, printEdgeSecret } from '../edges.ts';
import { UsageError } from '../failure.ts';
import { formatOf } from '../output.ts';

export const edgesCreateCommand: Command = {
  words: ['edges', 'create'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'register an edge that verifies macaroons; its secret is shown this once',
  options: ['endpoint', 'format', 'tenants', 'audiences'],
  details: [
    '--tenants ID,ID (required)   --audiences URL,URL (required)',
    'It gets a key for each of the tenants with each of the audiences, and could mint for those.',
    ENV_HELP,
  ],
  async run(context) {
    formatOf(context.options, ['table', 'json', 'env']);
    const json = {
      name: context.operands[0] ?? '',
      tenants: requiredList('--tenants', context.options.tenants),
      audiences: requiredList('--audiences', context.options.audiences),
    };
    printEdgeSecret(context, await callAsAdmin(context, { method: 'POST', path: EDGES, json }));
    return 0;
  },
};

function requiredList(name: string, text = ''): readonly string[] {
  const list = listOf(text);
  if (list.length === 0) throw new UsageError(`${name} is required`);
  return list;
}
