/** `cardea secrets`: a fresh set of secrets for one deployment, printed once and kept nowhere. */

import type { Command } from '../command.ts';
import { hashAdminToken, makeFreshSecrets } from '../fresh-secrets.ts';
import { formatOf, printAnswer } from '../output.ts';

export const secretsCommand: Command = {
  words: ['secrets'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'make the secrets of a new deployment, printed once and kept nowhere',
  options: ['format'],
  details: [
    'CARDEA_SECRET, ADMIN_TOKEN_SHA256, FEED_SIGNING_KEY: secrets of the control plane',
    '  (npx wrangler secret put NAME -c control-plane/wrangler.toml).',
    'FEED_PUBLIC_KEYS: for wrangler.toml of the edge worker; not a secret.',
    'CARDEA_ADMIN_TOKEN: yours; the control plane only gets its hash.',
  ],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const secrets = makeFreshSecrets();
    const lines = {
      CARDEA_SECRET: secrets.cardeaSecret,
      CARDEA_ADMIN_TOKEN: secrets.adminToken,
      ADMIN_TOKEN_SHA256: hashAdminToken(secrets.adminToken),
      FEED_SIGNING_KEY: secrets.feedSigningKey,
      FEED_PUBLIC_KEYS: secrets.feedPublicKey,
    };
    if (format === 'json') printAnswer(context, 'json', lines);
    else for (const [name, value] of Object.entries(lines)) context.print(`${name}=${value}`);
    return 0;
  },
};
