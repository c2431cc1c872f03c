/** What administrators send to revoke something. */

import { secondsOf } from '@cardea/shared/time';
import { z } from 'zod';
import { closedMessage } from '../../http/closed-message.ts';
import { protoString } from '../../http/protojson.ts';
import {
  ACTOR_ID_LENGTH_MAX,
  REQUEST_ID_LENGTH_MAX,
  REVOCATION_BATCH_MAX,
  REVOCATION_REASON_LENGTH_MAX,
} from '../../limits.ts';
import { REVOCATION_SCOPES, type RevocationScope } from '../../revocations/revocation.ts';
import type { RevocationWish } from '../../revocations/target.ts';
import { parseTimestamp } from '../../timestamp.ts';

const EXTENTS = ['for_good', 'cut_off'] as const;

const TIME_RULE = 'must be a time like 2026-01-31T12:00:00Z';

const cutOffTime = () =>
  z
    .string({ error: TIME_RULE })
    .transform((input, context) => {
      const time = parseTimestamp(input);
      if (time !== undefined && time >= 0) return secondsOf(time);
      context.addIssue({ code: 'custom', message: TIME_RULE });
      return z.NEVER;
    })
    .meta({ format: 'date-time', description: 'RFC 3339; in whole seconds, rounded down.' });

const wishFields = <Scope extends RevocationScope>(scopes: readonly [Scope, ...Scope[]]) => ({
  target: z.enum(scopes, {
    error: ({ input }) =>
      input === undefined ? 'is required' : `must be one of ${scopes.join(', ')}`,
  }),
  subject: protoString({ min: 0, max: ACTOR_ID_LENGTH_MAX }).optional(),
  extent: z.enum(EXTENTS, { error: `must be one of ${EXTENTS.join(', ')}` }).optional(),
  cut_off_time: cutOffTime().optional(),
});

const requestFields = () => ({
  reason: protoString({ min: 0, max: REVOCATION_REASON_LENGTH_MAX }).optional(),
  request_id: protoString({ min: 0, max: REQUEST_ID_LENGTH_MAX }).optional(),
});

export const CreateRevocationRequest = closedMessage({
  ...wishFields(REVOCATION_SCOPES),
  ...requestFields(),
});

/** What there may be many of. Each of the others is a decision of its own. */
const OF_MANY = ['token', 'key', 'actor'] as const;

export const BatchCreateRevocationsRequest = closedMessage({
  revocations: z
    .array(closedMessage(wishFields(OF_MANY)), { error: 'must be an array' })
    .min(1, { error: 'must have at least 1 element' })
    .max(REVOCATION_BATCH_MAX, { error: `must have at most ${REVOCATION_BATCH_MAX} elements` }),
  ...requestFields(),
});

type Sent = Pick<
  z.output<typeof CreateRevocationRequest>,
  'target' | 'subject' | 'extent' | 'cut_off_time'
>;

export function toWish({ target, subject, extent, cut_off_time: seconds }: Sent): RevocationWish {
  return {
    target,
    ...(subject === undefined || subject === '' ? {} : { subject }),
    ...(extent === undefined ? {} : { extent }),
    ...(seconds === undefined ? {} : { cutOffSeconds: seconds }),
  };
}

/** What a request says beside what it revokes. Empty texts are as good as none. */
export function toRequest({
  reason = '',
  request_id: requestId = '',
}: {
  readonly reason?: string | undefined;
  readonly request_id?: string | undefined;
}) {
  return {
    ...(reason === '' ? {} : { reason }),
    ...(requestId === '' ? {} : { requestId }),
  };
}
