/** `cardea tenants create`: create a tenant; requests to its hosts are its own from then on. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';
import { fieldsOf, SETTINGS_HELP, TENANTS } from '../tenants.ts';

export const tenantsCreateCommand: Command = {
  words: ['tenants', 'create'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'create a tenant; requests to its hosts are its own from then on',
  options: ['endpoint', 'format', 'host', 'set'],
  details: SETTINGS_HELP,
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const [name = ''] = context.operands;
    if (name === '') throw new UsageError('NAME is empty');
    const json = { ...fieldsOf(context.options), name };
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    const call = { endpoint, method: 'POST', path: TENANTS, adminToken, json } as const;
    printAnswer(context, format, await callJson(call));
    return 0;
  },
};
