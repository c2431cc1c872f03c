/** `cardea admins create`: make an admin credential. Its secret is shown this once. */

import { ADMIN_CREDENTIALS, ENV_HELP, printMadeCredential, ROLES } from '../admin-credentials.ts';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf } from '../output.ts';

export const adminsCreateCommand: Command = {
  words: ['admins', 'create'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'make an admin credential; its secret is shown this once',
  options: ['endpoint', 'format', 'role', 'tenant', 'ttl'],
  details: [
    `--role ${ROLES.join('|')} (required)   --ttl 30d (default 90d, at most 365d)`,
    '--tenant TENANT_ID binds it to that tenant; without, it is good for all of yours.',
    ENV_HELP,
  ],
  async run(context) {
    const { role = '', tenant, ttl } = context.options;
    formatOf(context.options, ['table', 'json', 'env']);
    if (!ROLES.includes(role)) throw new UsageError(`--role must be one of ${ROLES.join(', ')}`);
    // An empty variable must not make a credential that is good everywhere.
    if (tenant === '') throw new UsageError('--tenant is empty');
    const endpoint = endpointOf(context);
    const answer = await callJson({
      endpoint,
      method: 'POST',
      path: ADMIN_CREDENTIALS,
      adminToken: adminTokenOf(context, endpoint),
      json: {
        ...{ name: context.operands[0] ?? '', role },
        ...(tenant === undefined ? {} : { tenant_id: tenant }),
        ...(ttl === undefined ? {} : { ttl }),
      },
    });
    printMadeCredential(context, answer);
    return 0;
  },
};
