/** `cardea revoke tenant`: cut off every token of a tenant. */

import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { REVOKE_HELP, REVOKE_OPTIONS, revokeAndPrint, UNTIL_HELP } from '../revocations.ts';

export const revokeTenantCommand: Command = {
  words: ['revoke', 'tenant'],
  operands: 'TENANT_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'cut off every token of a tenant; its keys go on',
  options: [...REVOKE_OPTIONS.filter((name) => name !== 'tenant'), 'until'],
  details: [UNTIL_HELP, ...REVOKE_HELP.slice(0, 1)],
  run: (context) => {
    const [subject = ''] = context.operands;
    if (subject === '') throw new UsageError('TENANT_ID is empty');
    return revokeAndPrint(context, { target: 'tenant', subject }, subject);
  },
};
