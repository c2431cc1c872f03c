/** `cardea admins revoke`: end an admin credential at once. */

import { credentialPath } from '../admin-credentials.ts';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer, printable } from '../output.ts';

export const adminsRevokeCommand: Command = {
  words: ['admins', 'revoke'],
  operands: 'CREDENTIAL_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'end an admin credential at once',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const credentialId = context.operands[0] ?? '';
    if (credentialId === '') throw new UsageError('CREDENTIAL_ID is empty');
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    await callJson({
      ...{ endpoint, method: 'POST', adminToken, json: {} },
      path: credentialPath(credentialId, 'revoke', adminToken),
    });
    const answer = { credential_id: credentialId, revoked: true };
    if (format === 'json') printAnswer(context, 'json', answer);
    else context.print(`revoked ${printable(credentialId)}`);
    return 0;
  },
};
