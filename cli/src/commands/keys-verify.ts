/** `cardea keys verify`: ask the control plane about an API key or a derived token. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysVerifyCommand: Command = {
  words: ['keys', 'verify'],
  operands: '[CREDENTIAL]',
  operandCount: { min: 0, max: 1 },
  summary: 'ask whether an API key or a token is valid (exit status 1: it is not)',
  options: ['endpoint', 'format'],
  details: ['Without CREDENTIAL, or with "-", it is read from standard input.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const operand = context.operands[0] ?? '-';
    const credential = operand === '-' ? ((await context.readInput()) ?? '').trim() : operand;
    if (credential === '') throw new UsageError('no credential to verify');
    const endpoint = endpointOf(context);
    const answer = await callJson({
      endpoint,
      method: 'POST',
      path: '/v2alpha1/admin/apiKeys:verify',
      adminToken: adminTokenOf(context, endpoint),
      json: { credential },
    });
    const isValid = answer.is_valid === true;
    const { is_valid, error_code, error_message } = answer;
    printAnswer(
      context,
      format,
      isValid || format === 'json' ? answer : { is_valid, error_code, error_message },
    );
    return isValid ? 0 : 1;
  },
};
