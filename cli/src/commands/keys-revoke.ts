/** `cardea keys revoke`: revoke an API key, and with it every token derived from it. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer, printable } from '../output.ts';
import { REASONS, reasonField } from '../revocation-reasons.ts';

export const keysRevokeCommand: Command = {
  words: ['keys', 'revoke'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'revoke an API key, and with it every token derived from it',
  options: ['endpoint', 'format', 'reason', 'reason-text'],
  details: [`--reason ${REASONS.join('|')}`, '--reason-text goes with privilege_withdrawn.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const { 'reason-text': description } = context.options;
    const reason = reasonField(context.options, REASONS);
    const keyId = context.operands[0] ?? '';
    if (keyId === '') throw new UsageError('KEY_ID is empty');
    const endpoint = endpointOf(context);
    await callJson({
      endpoint,
      method: 'POST',
      path: `/v2alpha1/admin/apiKeys/${encodeURIComponent(keyId)}:revoke`,
      adminToken: adminTokenOf(context, endpoint),
      json: {
        ...reason,
        ...(description === undefined ? {} : { description }),
      },
    });
    if (format === 'json') printAnswer(context, 'json', { key_id: keyId, revoked: true });
    else context.print(`revoked ${printable(keyId)}`);
    return 0;
  },
};
