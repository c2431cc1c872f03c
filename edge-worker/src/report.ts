/**
 * What the operator's log gets: one line of JSON for every refusal and for every request let through
 * under a stale feed. Routes are named by their pattern; no path, no query, no token, no claim.
 */

import { REFUSALS, type Refusal } from '@cardea/shared/refusals';

/** Lines of a stack that are worth a log line. */
const PLACES_MAX = 5;

/** Writes one line. */
export type Log = (line: string) => void;

export interface ReportContext {
  readonly requestId: string;
  readonly method: string;
  /** The pattern of the matching rule; `undefined` if none matched. */
  readonly route: string | undefined;
  /** Where the age of the feed is the reason: `null` if there is no feed at all. */
  readonly feedAgeSeconds?: number | null | undefined;
}

export function reportRefusal(log: Log, refusal: Refusal, context: ReportContext): void {
  const { status } = REFUSALS[refusal.reason];
  log(
    JSON.stringify({
      level: status >= 500 ? 'error' : 'info',
      event: 'refused',
      reason: refusal.reason,
      status,
      ...fieldsOf(context),
      evidence: refusal.evidence,
    }),
  );
}

/** The request passed only because its route stays open for a while: revocations may be missing. */
export function reportDegraded(
  log: Log,
  feed: { readonly seq: number; readonly ageSeconds: number; readonly openForSeconds: number },
  context: ReportContext,
): void {
  log(
    JSON.stringify({
      level: 'warn',
      event: 'open_while_stale',
      ...fieldsOf(context),
      evidence: {
        seq: feed.seq,
        age_seconds: feed.ageSeconds,
        open_for_seconds: feed.openForSeconds,
      },
    }),
  );
}

/** The publisher is away, and the request passed under KV's bound. */
export function reportFallback(
  log: Log,
  feed: { readonly seq: number; readonly ageSeconds: number; readonly lane: string },
  context: ReportContext,
): void {
  log(
    JSON.stringify({
      level: 'warn',
      event: 'lane_b_away',
      ...fieldsOf(context),
      evidence: { seq: feed.seq, age_seconds: feed.ageSeconds, lane: feed.lane },
    }),
  );
}

/** The edge cannot start. `problems` name settings, never values. */
export function reportMisconfigured(log: Log, problems: readonly string[]): void {
  log(JSON.stringify({ level: 'error', event: 'edge_misconfigured', problems }));
}

/** A bug: its kind and place. The error's own text is left out: it may quote what it failed on. */
export function reportFailure(log: Log, error: unknown, context: ReportContext): void {
  const { name, stack = '' } = error instanceof Error ? error : { name: typeof error };
  const places = stack.match(/^ {4}at .+$/gm)?.map((line) => line.trim()) ?? [];
  const fields = { name, places: places.slice(0, PLACES_MAX), ...fieldsOf(context) };
  log(JSON.stringify({ level: 'error', event: 'edge_failed', ...fields }));
}

function fieldsOf({ requestId, method, route, feedAgeSeconds }: ReportContext) {
  return { request_id: requestId, method, route, feed_age_seconds: feedAgeSeconds };
}
