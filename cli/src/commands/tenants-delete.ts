/** `cardea tenants delete`: delete a tenant with all that belongs to it, and cut off its tokens. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { formatOf, printAnswer, printable } from '../output.ts';
import { tenantPathOf } from '../tenants.ts';

export const tenantsDeleteCommand: Command = {
  words: ['tenants', 'delete'],
  operands: 'TENANT_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'delete a tenant with all that belongs to it, and cut off its tokens',
  options: ['endpoint', 'format', 'force'],
  details: ['--force also deletes a tenant that has keys which are neither revoked nor expired.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const [tenantId = ''] = context.operands;
    const path = tenantPathOf(context);
    const query = context.options.force === true ? '?force=true' : '';
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    await callJson({ endpoint, method: 'DELETE', path: `${path}${query}`, adminToken });
    if (format === 'json') printAnswer(context, 'json', { tenant_id: tenantId, deleted: true });
    else context.print(`deleted ${printable(tenantId)}`);
    return 0;
  },
};
