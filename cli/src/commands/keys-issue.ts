/** `cardea keys issue`: issue an API key. Its secret is shown this once. */

import type { Command, OptionValues } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { asJsonObject } from '../json-object.ts';
import { formatOf, printAnswer, shellAssignment } from '../output.ts';

/** Talos's own default for this command. */
const TTL_DEFAULT = '24h';

export const keysIssueCommand: Command = {
  words: ['keys', 'issue'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'issue an API key; its secret is shown this once',
  options: ['endpoint', 'format', 'actor', 'scopes', 'ttl', 'metadata'],
  details: [
    '--actor whom the key belongs to (required)   --scopes a,b',
    `--ttl 24h, 90d, 3600s (default ${TTL_DEFAULT})        --metadata a JSON object`,
    '--format env prints CARDEA_API_KEY and CARDEA_KEY_ID for eval "$(…)".',
  ],
  async run(context) {
    const { options, operands } = context;
    const format = formatOf(options, ['table', 'json', 'env']);
    const body = issueRequest(operands[0] ?? '', options);
    const endpoint = endpointOf(context);
    const answer = await callJson({
      endpoint,
      method: 'POST',
      path: '/v2alpha1/admin/issuedApiKeys',
      adminToken: adminTokenOf(context, endpoint),
      json: body,
    });
    const key = asJsonObject(answer.issued_api_key);
    if (typeof answer.secret !== 'string' || typeof key?.key_id !== 'string') {
      throw new CommandFailed('the control plane answered without a key');
    }
    if (format === 'json') {
      printAnswer(context, 'json', answer);
    } else if (format === 'env') {
      context.print(shellAssignment('CARDEA_API_KEY', answer.secret));
      context.print(shellAssignment('CARDEA_KEY_ID', key.key_id));
    } else {
      const { key_id, name, actor_id, scopes, expire_time } = key;
      const { secret } = answer;
      printAnswer(context, 'table', { key_id, name, actor_id, scopes, expire_time, secret });
    }
    return 0;
  },
};

function issueRequest(name: string, options: OptionValues): Record<string, unknown> {
  if (options.actor === undefined || options.actor === '') {
    throw new UsageError('--actor is required: whom does the key belong to?');
  }
  const scopes = (options.scopes ?? '').split(',').map((scope) => scope.trim());
  return {
    name,
    actor_id: options.actor,
    scopes: scopes.filter((scope) => scope !== ''),
    ttl: options.ttl ?? TTL_DEFAULT,
    ...(options.metadata === undefined ? {} : { metadata: parseMetadata(options.metadata) }),
  };
}

function parseMetadata(text: string): unknown {
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch {
    throw new UsageError('--metadata is not JSON');
  }
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new UsageError('--metadata must be a JSON object');
  }
  return metadata;
}
