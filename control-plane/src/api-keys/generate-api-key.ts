/** Makes the text of a new issued key. The text is returned to the caller once and stored nowhere. */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { formatApiKey, SECRET_PART_BYTES, secretHashOf } from '@cardea/shared/credential/api-key';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';

export interface GeneratedApiKey {
  readonly keyId: string;
  /** The whole key. Secret. */
  readonly text: string;
  readonly secretHash: string;
}

export async function generateApiKey(
  deps: Pick<Deps, 'keys' | 'randomBytes'>,
  tenant: Pick<Tenant, 'apiKeyPrefix' | 'publicApiKeyPrefix'>,
  visibility: ApiKey['visibility'],
): Promise<GeneratedApiKey> {
  const { apiKeyPrefix, publicApiKeyPrefix } = tenant;
  const keyId = randomUuid(deps);
  const secretPart = deps.randomBytes(SECRET_PART_BYTES);
  const text = await formatApiKey({
    prefix: visibility === 'public' ? publicApiKeyPrefix : apiKeyPrefix,
    keyId,
    secretPart,
    checksumKey: deps.keys.checksum[0],
  });
  return { keyId, text, secretHash: await secretHashOf(secretPart) };
}

/** A version-4 UUID. */
export function randomUuid({ randomBytes }: Pick<Deps, 'randomBytes'>): string {
  return formatUuid(uuidV4FromRandom(randomBytes(16)));
}
