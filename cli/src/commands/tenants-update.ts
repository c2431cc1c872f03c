/** `cardea tenants update`: change fields of a tenant, or give them back to the deployment. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';
import { fieldsOf, SETTINGS_HELP, tenantPathOf } from '../tenants.ts';

export const tenantsUpdateCommand: Command = {
  words: ['tenants', 'update'],
  operands: 'TENANT_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'change fields of a tenant',
  options: ['endpoint', 'format', 'host', 'set', 'clear'],
  details: [
    ...SETTINGS_HELP,
    '--set name=NAME renames it; the hosts that are given replace those that it has.',
    "--clear FIELD, once for each: the deployment's own again, or no hosts",
  ],
  async run(context) {
    const { clear = [] } = context.options;
    const format = formatOf(context.options, ['table', 'json']);
    const fields = fieldsOf(context.options);
    const both = clear.find((name) => name in fields);
    if (both !== undefined) throw new UsageError(`${both} is both set and cleared`);
    const mask = [...Object.keys(fields), ...clear];
    if (mask.length === 0) throw new UsageError('nothing to change: --host, --set or --clear');
    const path = `${tenantPathOf(context)}?${new URLSearchParams({ update_mask: mask.join() })}`;
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    const call = { endpoint, method: 'PATCH', path, adminToken, json: fields } as const;
    printAnswer(context, format, await callJson(call));
    return 0;
  },
};
