import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';
import { type FeedStatus, readFeedStatus } from '../../publication/feed-status.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

const int64 = () => z.string().meta({ format: 'int64' });

const FeedAnswer = z.strictObject({
  environment_id: z.string(),
  head: z
    .strictObject({
      seq: int64(),
      stamp_time: timestampText(),
      age_seconds: z.number(),
      bytes: z.int(),
      keyset: z.string(),
      entries: z.int().meta({ description: 'Of the tail and of all segments.' }),
      tail_entries: z.int(),
      segments: z.array(
        z.strictObject({
          hash: z.string(),
          entries: z.int(),
          bytes: z.int(),
          expire_time: timestampText(),
        }),
      ),
    })
    .meta({ description: 'As it is handed out now. Absent while nothing has been published.' })
    .optional(),
  publication: z.strictObject({
    seq: int64().optional(),
    time: timestampText().optional(),
    age_seconds: z.number().optional(),
    failures: z.int(),
    last_error: z.string().optional(),
    is_this_process: z.boolean().optional(),
  }),
  lanes: z.strictObject({ kv: z.boolean(), http: z.literal(true) }),
  bounds: z.strictObject({
    heartbeat_seconds: z.number(),
    hard_seconds: z.number(),
    clock_skew_seconds: z.number(),
    revocation_bound_seconds: z.number(),
  }),
  edges: z.array(
    z.strictObject({
      edge: z.string(),
      seq: int64(),
      seen_time: timestampText(),
      age_seconds: z.number(),
      behind_seconds: z.number().optional(),
    }),
  ),
});

/** GET /v1/admin/feed: what edges are told, how publishing goes, what edges say they hold. */
export function feedStatusRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetFeed',
    summary: 'The state of the feed: its head, its publication, its bounds, and the edges.',
    method: 'GET',
    path: '/v1/admin/feed',
    surface: 'admin',
    permission: 'feed.read',
    answers: { 200: FeedAnswer },
    handle: async ({ requestId }) => {
      try {
        return Response.json(feedMessage(await readFeedStatus(deps), deps));
      } catch (error) {
        const name = error instanceof Error ? error.name : 'unknown';
        deps.log('error', 'publisher_away', { request_id: requestId, error: name });
        const message = 'The publisher cannot be reached.';
        const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
        return problemResponse({ code: 'service_unavailable', message }, headers);
      }
    },
  };
}

/** `undefined` members are left out of JSON. */
function feedMessage(
  status: FeedStatus,
  { clock, config }: Pick<Deps, 'clock' | 'config'>,
): z.output<typeof FeedAnswer> {
  const { edges, head, publisher } = status;
  const now = clock.now();
  const { clockSkewSeconds, feedHardSeconds, feedHeartbeatSeconds } = config;
  return {
    environment_id: config.environmentId,
    head: headMessage(status, now),
    publication: publicationMessage(publisher, now),
    lanes: { kv: publisher.writesKv, http: true },
    bounds: {
      heartbeat_seconds: feedHeartbeatSeconds,
      hard_seconds: feedHardSeconds,
      clock_skew_seconds: clockSkewSeconds,
      revocation_bound_seconds: feedHardSeconds + clockSkewSeconds,
    },
    edges: edges.map(({ edge, seq, seenAt }) => ({
      edge,
      seq: String(seq),
      seen_time: timestamp(seenAt),
      age_seconds: secondsSince(seenAt, now),
      // Numbers are milliseconds of the stamp, but for what a restored clock has added.
      behind_seconds: head === undefined ? undefined : Math.max(0, (head.seq - seq) / 1000),
    })),
  };
}

function headMessage({ head, headBytes }: FeedStatus, now: UnixMilliseconds) {
  if (head === undefined) return undefined;
  const stampedAt = unixMilliseconds(head.issuedAtSeconds * 1000);
  const inSegments = head.segments.reduce((sum, { entryCount }) => sum + entryCount, 0);
  return {
    seq: String(head.seq),
    stamp_time: timestamp(stampedAt),
    age_seconds: secondsSince(stampedAt, now),
    bytes: headBytes,
    keyset: head.keysetHash,
    entries: head.tail.length + inSegments,
    tail_entries: head.tail.length,
    segments: head.segments.map(({ hash, entryCount, expiresAtSeconds }) => ({
      hash,
      entries: entryCount,
      bytes: entryCount * ENTRY_BYTES,
      expire_time: timestamp(unixMilliseconds(expiresAtSeconds * 1000)),
    })),
  };
}

function publicationMessage(report: FeedStatus['publisher'], now: UnixMilliseconds) {
  const { publishedAt, publishedSeq } = report;
  return {
    seq: publishedSeq === undefined ? undefined : String(publishedSeq),
    time: publishedAt === undefined ? undefined : timestamp(publishedAt),
    age_seconds: publishedAt === undefined ? undefined : secondsSince(publishedAt, now),
    failures: report.failures,
    last_error: report.lastError,
    is_this_process: report.isPublishing,
  };
}

function secondsSince(then: UnixMilliseconds, now: UnixMilliseconds): number {
  return (now - then) / 1000;
}
