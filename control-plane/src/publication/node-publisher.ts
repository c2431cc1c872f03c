/**
 * The publisher on Node. Every process has one; the one whose process holds the lock publishes, the others
 * try to get it every second. All of them answer whoever asks for the feed over HTTP.
 */

import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import type { RevocationAnnouncer } from '../revocations/revocation.ts';
import { createFeedReader, type FeedReader } from './feed-reader.ts';
import { HeadStamper } from './head-stamper.ts';
import { servedHeadOf } from './hub/hub-api.ts';
import { type NodePublisherParts, PublisherLoop } from './publisher-loop.ts';
import type { PublisherMemory } from './publisher-storage.ts';
import { createHeadSigner } from './sign-head.ts';

export interface NodePublisherStatus extends PublisherMemory {
  /** Whether it is this process that publishes. */
  readonly isPublishing: boolean;
}

export interface NodePublisher {
  /** Begins to try for the lock. */
  start(): void;
  /** Ends the term after its last write: what was revoked before this call is in KV, if KV answers. */
  stop(): Promise<void>;
  /** Rejects when the database cannot be reached. */
  status(): Promise<NodePublisherStatus>;
  readonly feed: FeedReader;
  readonly announcer: RevocationAnnouncer;
}

export async function createNodePublisher(parts: NodePublisherParts): Promise<NodePublisher> {
  const { clock, config, feed, log, storageOf, truth } = parts;
  const feedKeys = await importFeedKeys([config.feedSigningKey.reveal().x]);
  if (!feedKeys.ok) throw new TypeError('The public half of FEED_SIGNING_KEY is not usable.');
  const signHead = await createHeadSigner(config.feedSigningKey);
  const { clockSkewSeconds, environmentId } = config;
  const storage = storageOf();
  const stamper = new HeadStamper({
    ...{ storage, clock, feed, signHead, environmentId, clockSkewSeconds },
    boundSeconds: truth.durations.boundSeconds,
  });
  const loop = new PublisherLoop({ ...parts, signHead, feedKeys: feedKeys.value });
  const hub = {
    head: async () => {
      const head = await stamper.head();
      return head === undefined ? null : servedHeadOf(head);
    },
    keyset: async (hash: string) => (await storage.keyset(hash))?.text ?? null,
    segment: async (hash: string) => (await storage.segments.content(hash)) ?? null,
    poke: () => loop.tell(),
  };
  return {
    start: () => loop.start(),
    stop: () => loop.stop(),
    status: async () => ({ ...(await storage.memory()), isPublishing: loop.isPublishing }),
    feed: createFeedReader({ hub, clock, log }),
    announcer: {
      acknowledgesCommits: true,
      // Committed is acknowledged: every head that is stamped from now on contains the rows.
      async announce(rows) {
        if (rows.length > 0) await loop.tell();
        return 'acknowledged';
      },
    },
  };
}
