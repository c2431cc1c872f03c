/** No KV: edges and servers ask the control plane for the feed (docs/feed.md, lane B). */

import type { FeedStore } from './feed-store.ts';

export const NO_FEED_STORE: FeedStore = {
  arrivalMilliseconds: 0,
  readHead: async () => undefined,
  readSegment: async () => undefined,
  writeKeyset: async () => {},
  writeSegment: async () => {},
  writeHead: async () => {},
};
