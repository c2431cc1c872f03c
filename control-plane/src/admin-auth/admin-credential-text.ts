/**
 * The text of an admin credential: the grammar of API keys under a prefix that no key can have. The
 * checksum turns garbage away before the database is asked; the database proves the random part.
 */

import {
  checkApiKey,
  formatApiKey,
  SECRET_PART_BYTES,
  secretHashOf,
} from '@cardea/shared/credential/api-key';
import { randomUuid } from '../api-keys/generate-api-key.ts';
import { ADMIN_CREDENTIAL_PREFIX } from '../api-keys/prefixes.ts';
import type { Deps } from '../deps.ts';

export interface GeneratedAdminCredential {
  readonly credentialId: string;
  /** The whole credential. Secret: returned to the caller once and stored nowhere. */
  readonly text: string;
  readonly secretHash: string;
}

export async function generateAdminCredential(
  deps: Pick<Deps, 'keys' | 'randomBytes'>,
): Promise<GeneratedAdminCredential> {
  const credentialId = randomUuid(deps);
  const secretPart = deps.randomBytes(SECRET_PART_BYTES);
  const text = await formatApiKey({
    prefix: ADMIN_CREDENTIAL_PREFIX,
    keyId: credentialId,
    secretPart,
    checksumKey: deps.keys.checksum[0],
  });
  return { credentialId, text, secretHash: await secretHashOf(secretPart) };
}

/** Whether a token can be nothing but an admin credential, by its looks alone. */
export function looksLikeAdminCredential(token: string): boolean {
  return token.startsWith(`${ADMIN_CREDENTIAL_PREFIX}_v1_`);
}

export interface ClaimedCredential {
  readonly credentialId: string;
  readonly secretHash: string;
}

/** What a text claims to be, if its checksum is one of ours; `undefined` otherwise. */
export async function readAdminCredential(
  text: string,
  { keys }: Pick<Deps, 'keys'>,
): Promise<ClaimedCredential | undefined> {
  const rules = { checksumKeys: keys.checksum, prefixes: [ADMIN_CREDENTIAL_PREFIX] };
  const checked = await checkApiKey(text, rules);
  if (!checked.ok) return undefined;
  const { keyId, secretPart } = checked.value;
  return { credentialId: keyId, secretHash: await secretHashOf(secretPart) };
}
