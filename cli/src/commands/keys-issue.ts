/** `cardea keys issue`: issue an API key. Its secret is shown this once. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { NEW_KEY_HELP, NEW_KEY_OPTIONS, newKeyFields } from '../key-fields.ts';
import { ISSUED_KEYS } from '../key-path.ts';
import { KEY_ENV_HELP, printKeyWithSecret } from '../key-secret.ts';
import { formatOf } from '../output.ts';

/** Talos's own default for this command. */
const TTL_DEFAULT = '24h';

export const keysIssueCommand: Command = {
  words: ['keys', 'issue'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'issue an API key; its secret is shown this once',
  options: ['endpoint', 'format', ...NEW_KEY_OPTIONS],
  details: [
    '--actor whom the key belongs to (required)',
    `--ttl 24h, 90d, 3600s (default ${TTL_DEFAULT})`,
    ...NEW_KEY_HELP,
    KEY_ENV_HELP,
  ],
  async run(context) {
    const { options, operands } = context;
    formatOf(options, ['table', 'json', 'env']);
    const fields = newKeyFields(operands[0] ?? '', { ttl: TTL_DEFAULT, ...options });
    const call = { method: 'POST', path: ISSUED_KEYS, json: fields } as const;
    printKeyWithSecret(context, await callAsAdmin(context, call));
    return 0;
  },
};
