/** The lanes of a configuration, over the real KV and the real network. */

import type { FeedSettings } from '../feed-settings.ts';
import { createHttpFeedSource } from './http-feed-source.ts';
import { createKvFeedSource } from './kv-feed-source.ts';
import type { LaneOptions } from './lane.ts';
import { withObjectsOf } from './object-sources.ts';

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Heads of the publisher, if it may be asked, before those of KV; objects of KV, if there is one, before
 * those of the publisher. A configuration has one of the two at least.
 */
export function feedLanesOf(settings: FeedSettings, fetchIt: Fetch): LaneOptions {
  const { feedNamespace, feedHardSeconds, laneB } = settings;
  const kv = feedNamespace === undefined ? undefined : createKvFeedSource(feedNamespace);
  const publisher =
    laneB === undefined
      ? undefined
      : createHttpFeedSource({ ...laneB, fetch: throughService(laneB.service, fetchIt) });
  const objects = [kv, publisher].filter((source) => source !== undefined);
  if (kv === undefined) {
    if (publisher === undefined || laneB === undefined) throw new TypeError('there is no lane');
    return { source: publisher, hardSeconds: laneB.hardSeconds, lane: 'b' };
  }
  const laneA = { source: withObjectsOf(kv, objects), hardSeconds: feedHardSeconds };
  if (publisher === undefined || laneB === undefined) return laneA;
  const source = withObjectsOf(publisher, objects);
  return { ...laneA, laneB: { source, hardSeconds: laneB.hardSeconds } };
}

function throughService(service: Pick<Fetcher, 'fetch'> | undefined, fetchIt: Fetch): Fetch {
  return service === undefined ? fetchIt : (url, init) => service.fetch(url, init);
}
