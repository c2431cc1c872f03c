/** What an operator wants to know of the feed: the head that is handed out, and how publishing goes. */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { type FeedHead, parseHeadPayload } from '@cardea/shared/feed/head';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import type { EdgeSighting } from './edge-sightings.ts';

/** Of the publisher, on either runtime. */
export interface PublisherReport {
  /** Of the last head that its store has confirmed, and when it did. */
  readonly publishedSeq?: number;
  readonly publishedAt?: UnixMilliseconds;
  /** Failed attempts in a row, and the name of the last error. */
  readonly failures: number;
  readonly lastError?: string;
  /** Whether heads go to KV: lane A. */
  readonly writesKv: boolean;
  /** On Node: whether it is the asked process that publishes. */
  readonly isPublishing?: boolean;
}

export interface FeedStatus {
  /** Absent while nothing has been published. */
  readonly head?: FeedHead;
  readonly headBytes: number;
  readonly publisher: PublisherReport;
  readonly edges: readonly EdgeSighting[];
}

/** Rejects when the publisher, or the database, cannot be reached. */
export async function readFeedStatus(
  deps: Pick<Deps, 'edgeSightings' | 'feed' | 'publisher'>,
): Promise<FeedStatus> {
  const [served, publisher, edges] = await Promise.all([
    deps.feed.head(),
    deps.publisher.report(),
    deps.edgeSightings.list(),
  ]);
  if (served === undefined) return { headBytes: 0, publisher, edges };
  const headBytes = served.compactJws.length;
  return { head: headOf(served.compactJws), headBytes, publisher, edges };
}

/** Of our own text: its signature is not looked at. */
function headOf(compactJws: string): FeedHead {
  const payload = decodeBase64url(compactJws.split('.')[1] ?? '') ?? new Uint8Array();
  const head = parseHeadPayload(decodeUtf8(payload) ?? '');
  if (!head.ok) throw new TypeError('The own head is not to be read.');
  return head.value;
}
