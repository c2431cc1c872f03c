/** A revocation as JSON. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { type UnixSeconds, unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import { REVOCATION_SCOPES, type Revocation } from '../../revocations/revocation.ts';
import { REVOCATION_STATUSES, statusOfRevocation } from '../../revocations/status.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

export const revocationAnswer = z.strictObject({
  revocation_id: z.string(),
  tenant_id: z.string(),
  target: z.enum(REVOCATION_SCOPES),
  subject: z.string().optional(),
  extent: z.enum(['for_good', 'cut_off']),
  cut_off_time: timestampText().optional(),
  reason: z.string().optional(),
  cause: z.string().meta({ description: 'The operation that made it, as in the audit log.' }),
  status: z.enum(REVOCATION_STATUSES),
  scope_id: z.string().meta({ description: 'Its name in the feed: 16 hexadecimal digits.' }),
  create_time: timestampText(),
  effect_time: timestampText(),
  expire_time: timestampText(),
  published_seq: z
    .string()
    .meta({ format: 'int64', description: 'Of the first written head that contains it.' })
    .optional(),
});

/** `undefined` members are left out of JSON. */
export function revocationMessage(
  row: Revocation,
  clock: { readonly now: UnixSeconds; readonly acknowledgesCommits: boolean },
): z.output<typeof revocationAnswer> {
  const { boundSeconds, scopeId } = row.entry;
  const isForGood = boundSeconds === FOR_GOOD;
  return {
    revocation_id: row.revocationId,
    tenant_id: row.tenantId,
    target: row.scope,
    subject: row.subject,
    extent: isForGood ? 'for_good' : 'cut_off',
    cut_off_time: isForGood ? undefined : timeText(boundSeconds),
    reason: row.reason,
    cause: row.cause,
    status: statusOfRevocation(row, clock),
    scope_id: formatScopeId(scopeId),
    create_time: timeText(row.createdAtSeconds),
    effect_time: timeText(row.effectiveAtSeconds),
    expire_time: timeText(row.expiresAtSeconds),
    published_seq: row.publishedSeq === undefined ? undefined : String(row.publishedSeq),
  };
}

function timeText(seconds: number): string {
  return timestamp(unixMilliseconds(seconds * 1000));
}

/** Where the revocation is to be had. */
export function revocationPath({ revocationId }: Pick<Revocation, 'revocationId'>): string {
  return `/v1/admin/revocations/${revocationId}`;
}
