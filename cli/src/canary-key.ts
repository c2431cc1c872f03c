/** The key whose tokens the canary revokes: one that is given, or one of its own that it ends. */

import { callAsAdmin } from './admin-call.ts';
import type { CommandContext } from './command.ts';
import { CommandFailed } from './failure.ts';
import { asJsonObject, textOf } from './json-object.ts';

const ISSUED = '/v2alpha1/admin/issuedApiKeys';
/** A run that goes on for longer makes another key. */
const KEY_TTL = '24h';

export interface CanaryKey {
  readonly secret: string;
  /** Absent for a key that was given. */
  readonly ownKeyId?: string;
}

export async function makeCanaryKey(context: CommandContext): Promise<CanaryKey> {
  const given = (context.env.CARDEA_API_KEY ?? '').trim();
  if (given !== '') return { secret: given };
  const { scopes } = context.options;
  const json = {
    ...{ name: 'feed canary', actor_id: 'cardea-feed-canary', ttl: KEY_TTL },
    ...(scopes === undefined ? {} : { scopes: scopes.split(',') }),
  };
  const answer = await callAsAdmin(context, { method: 'POST', path: ISSUED, json });
  const secret = textOf(answer.secret);
  const ownKeyId = textOf(asJsonObject(answer.issued_api_key)?.key_id);
  if (secret === '' || ownKeyId === '') {
    throw new CommandFailed('the control plane issued a key without its secret');
  }
  return { secret, ownKeyId };
}

/** Ends a key of the canary's own. */
export async function endCanaryKey(context: CommandContext, { ownKeyId }: CanaryKey) {
  if (ownKeyId === undefined) return;
  await callAsAdmin(context, {
    method: 'POST',
    path: `${ISSUED}/${encodeURIComponent(ownKeyId)}:revoke`,
    json: { reason: 'REVOCATION_REASON_SUPERSEDED' },
  });
}
