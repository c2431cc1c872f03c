/** `cardea keys self-revoke`: end an API key by holding it. Needs no admin. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { endpointOf } from '../endpoint.ts';
import { formatOf, printAnswer } from '../output.ts';
import { CREDENTIAL_HELP, readCredential } from '../presented-credential.ts';
import { REASONS_OF_HOLDER, reasonField } from '../revocation-reasons.ts';

export const keysSelfRevokeCommand: Command = {
  words: ['keys', 'self-revoke'],
  operands: '[-]',
  operandCount: { min: 0, max: 1 },
  summary: 'revoke the API key that you hold; needs no admin token',
  options: ['endpoint', 'format', 'reason'],
  details: [...CREDENTIAL_HELP, `--reason ${REASONS_OF_HOLDER.join('|')}`],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const reason = reasonField(context.options, REASONS_OF_HOLDER);
    await callJson({
      endpoint: endpointOf(context),
      method: 'POST',
      path: '/v2alpha1/apiKeys:selfRevoke',
      json: { credential: await readCredential(context), ...reason },
    });
    if (format === 'json') printAnswer(context, 'json', { revoked: true });
    else context.print('revoked');
    return 0;
  },
};
