/**
 * What the ledger has to know of a publisher, taken where it leaves its process: heads that it signs,
 * objects that it writes, entries that its own storage has. Changes nothing.
 */

import type { FeedStore } from '@cardea/control-plane/publication/feed-store/feed-store';
import type { PublisherStorage } from '@cardea/control-plane/publication/publisher-storage';
import { decodeEntries } from '@cardea/shared/feed/entry';
import { keysetObject, segmentObject } from '@cardea/shared/feed/head';
import type { Ledger } from './ledger.ts';
import type { Story } from './story.ts';
import { unverifiedHead } from './unverified-head.ts';

export interface Observer {
  readonly ledger: Ledger;
  readonly story: Story;
  /** Of the publisher's own clock, milliseconds. */
  readonly clockOffset: number;
  readonly name: string;
}

export function observedFeed(
  { ledger, story, name, clockOffset }: Observer,
  feed: FeedStore,
): FeedStore {
  return {
    ...feed,
    async writeKeyset(hash, text) {
      ledger.keysetMade(hash, kidsOf(text));
      await feed.writeKeyset(hash, text);
      ledger.objectConfirmed(keysetObject(hash));
      story.tell(name, `has written keyset ${hash.slice(0, 8)}`);
    },
    async writeSegment(hash, content, life) {
      const entries = decodeEntries(content);
      if (!entries.ok) return ledger.broken(4, 'what is written is no segment');
      ledger.segmentMade(hash, entries.value);
      await feed.writeSegment(hash, content, life);
      ledger.objectConfirmed(segmentObject(hash));
      story.tell(name, `has written segment ${hash.slice(0, 8)}, ${entries.value.length} entries`);
    },
    async writeHead(compactJws) {
      const head = unverifiedHead(compactJws);
      if (head === undefined) return ledger.broken(4, 'what is written is no head');
      const { seq, issuedAtSeconds, segments, tail } = head;
      const parts = `${tail.length} inline, ${segments.length} segments`;
      story.tell(name, `writes head ${seq}, iat ${issuedAtSeconds}, ${parts}`);
      ledger.headSigned(head, clockOffset);
      ledger.headWritten(head, compactJws);
      await feed.writeHead(compactJws);
      story.tell(name, `has written head ${seq}`);
    },
  };
}

/** Entries count as acknowledged when the storage says that it has them. */
export function observedStorage({ ledger }: Observer, storage: PublisherStorage): PublisherStorage {
  const { apart } = storage;
  if (apart === undefined) return storage;
  const observed = {
    ...apart,
    takeEntries: async (entries: Parameters<typeof apart.takeEntries>[0]) => {
      await apart.takeEntries(entries);
      for (const entry of entries) ledger.acknowledge(entry, entry.expiresAtSeconds);
    },
  };
  return new Proxy(storage, {
    get(object, property) {
      if (property === 'apart') return observed;
      const value: unknown = Reflect.get(object, property, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

function kidsOf(keyset: string): string[] {
  const { keys } = JSON.parse(keyset);
  return keys.map(({ kid }: { readonly kid: string }) => kid);
}
