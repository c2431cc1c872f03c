/** `cardea tenants get`: show a tenant, with what is in force for it. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { formatOf, printAnswer } from '../output.ts';
import { tenantPathOf } from '../tenants.ts';

export const tenantsGetCommand: Command = {
  words: ['tenants', 'get'],
  operands: 'TENANT_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'show a tenant, with what is in force for it',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const path = tenantPathOf(context);
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    printAnswer(context, format, await callJson({ endpoint, method: 'GET', path, adminToken }));
    return 0;
  },
};
