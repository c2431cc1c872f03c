/** `cardea admins rotate`: a new admin credential in the place of one. Its secret is shown this once. */

import { credentialPath, ENV_HELP, printMadeCredential } from '../admin-credentials.ts';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { formatOf } from '../output.ts';

export const adminsRotateCommand: Command = {
  words: ['admins', 'rotate'],
  operands: '[CREDENTIAL_ID]',
  operandCount: { min: 0, max: 1 },
  summary: 'put a new admin credential in the place of one; by default of your own',
  options: ['endpoint', 'format', 'overlap'],
  details: [
    '--overlap 1h keeps the old one alive for that long (at most 7d); without, it ends at once.',
    ENV_HELP,
  ],
  async run(context) {
    const { overlap } = context.options;
    formatOf(context.options, ['table', 'json', 'env']);
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    const answer = await callJson({
      ...{ endpoint, method: 'POST', adminToken },
      path: credentialPath(context.operands[0], 'rotate', adminToken),
      json: overlap === undefined ? {} : { overlap },
    });
    printMadeCredential(context, answer);
    return 0;
  },
};
