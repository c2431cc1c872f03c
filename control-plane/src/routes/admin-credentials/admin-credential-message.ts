/** An admin credential as JSON: what it may do, where, and until when. Nothing of its secret. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import { ADMIN_ROLES, type AdminCredential } from '../../admin-credentials/admin-credential.ts';
import { problemResponse } from '../../http/problem.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

const STATUSES = ['active', 'expired', 'revoked'] as const;

export const adminCredentialAnswer = z.strictObject({
  credential_id: z.string(),
  name: z.string(),
  role: z.enum(ADMIN_ROLES),
  tenant_id: z.string().optional().meta({ description: 'Absent: good for every tenant.' }),
  status: z.enum(STATUSES),
  create_time: timestampText(),
  expire_time: timestampText().optional(),
  revoke_time: timestampText().optional(),
});

export const secretText = () =>
  z.string().meta({ description: 'The credential itself, shown once.' });

/** `now` is the database's clock, by which the status is computed. `undefined` members are left out. */
export function adminCredentialMessage(credential: AdminCredential, now: UnixMilliseconds) {
  const { expireTime, revokeTime } = credential;
  return {
    credential_id: credential.credentialId,
    name: credential.name,
    role: credential.role,
    tenant_id: credential.tenantId,
    status: statusOf(credential, now),
    create_time: timestamp(credential.createTime),
    expire_time: expireTime === undefined ? undefined : timestamp(expireTime),
    revoke_time: revokeTime === undefined ? undefined : timestamp(revokeTime),
  };
}

function statusOf(
  { expireTime, revokeTime }: AdminCredential,
  now: UnixMilliseconds,
): (typeof STATUSES)[number] {
  if (revokeTime !== undefined && revokeTime <= now) return 'revoked';
  return expireTime !== undefined && expireTime <= now ? 'expired' : 'active';
}

/** Where the credential is to be had: the `Location` of whoever makes one. */
export function adminCredentialPath({ credentialId }: Pick<AdminCredential, 'credentialId'>) {
  return `/v1/admin/credentials/${credentialId}`;
}

export function adminCredentialNotFound(): Response {
  return problemResponse({ code: 'not_found', message: 'There is no such admin credential.' });
}
