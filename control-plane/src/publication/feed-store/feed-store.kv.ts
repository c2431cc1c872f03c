/** The feed in Workers KV. */

import { HEAD_OBJECT, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { type FeedStore, KEYSET_TTL_SECONDS } from './feed-store.ts';

export function createKvFeedStore(namespace: KVNamespace, arrivalMilliseconds: number): FeedStore {
  return {
    arrivalMilliseconds,
    async readHead() {
      return (await namespace.get(HEAD_OBJECT, 'text')) ?? undefined;
    },
    async readSegment(hash) {
      const bytes = await namespace.get(segmentObject(hash), 'arrayBuffer');
      return bytes === null ? undefined : new Uint8Array(bytes);
    },
    async writeKeyset(hash, text) {
      await namespace.put(keysetObject(hash), text, { expirationTtl: KEYSET_TTL_SECONDS });
    },
    async writeSegment(hash, content, { ttlSeconds }) {
      await namespace.put(segmentObject(hash), content, { expirationTtl: ttlSeconds });
    },
    async writeHead(compactJws) {
      // The head never expires: an edge that finds an old one says how old, one that finds none
      // can only guess.
      await namespace.put(HEAD_OBJECT, compactJws);
    },
  };
}
