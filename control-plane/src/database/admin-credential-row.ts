/** From rows of `admin_credentials`, of either dialect, to admin credentials. */

import { unixMilliseconds } from '@cardea/shared/time';
import type { AdminCredential } from '../admin-credentials/admin-credential.ts';
import type { adminCredentials } from './schema.d1.ts';

export function toCredential(row: typeof adminCredentials.$inferSelect): AdminCredential {
  const { nid, expireTimeMs, revokeTimeMs } = row;
  return {
    credentialId: row.credentialId,
    ...(nid === null ? {} : { tenantId: nid }),
    name: row.name,
    role: row.role,
    createTime: unixMilliseconds(row.createTimeMs),
    ...(expireTimeMs === null ? {} : { expireTime: unixMilliseconds(expireTimeMs) }),
    ...(revokeTimeMs === null ? {} : { revokeTime: unixMilliseconds(revokeTimeMs) }),
  };
}
