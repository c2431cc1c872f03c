/** Planted bugs of the publisher: each changes one of the ports that it works through. */

import type { FeedStore } from '@cardea/control-plane/publication/feed-store/feed-store';
import type { PublisherStorage } from '@cardea/control-plane/publication/publisher-storage';
import { entriesOf } from '@cardea/control-plane/publication/segments/segment-content';
import type { Truth } from '@cardea/control-plane/publication/truth';
import type { SigningKey } from '@cardea/control-plane/signing-keys/signing-key';
import { encodeEntries } from '@cardea/shared/feed/entry';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { KvOutage } from './kv-stand-in.ts';
import type { Plant } from './plants.ts';
import type { World } from './world.ts';

export interface PublisherPlant {
  readonly feed: (feed: FeedStore, world: World) => FeedStore;
  readonly storage: (storage: PublisherStorage) => PublisherStorage;
  readonly truth: (truth: Truth) => Truth;
  /** What the publisher's clock is ahead of the time at which it reads, milliseconds. */
  readonly clockErrorMilliseconds: number;
  /** Whether a Durable Object's `sync` waits for nothing. */
  readonly syncsTooEarly: boolean;
}

export const NO_PUBLISHER_PLANT: PublisherPlant = {
  feed: (feed) => feed,
  storage: (storage) => storage,
  truth: (truth) => truth,
  clockErrorMilliseconds: 0,
  syncsTooEarly: false,
};

type NamedPlant = Pick<Plant, 'name' | 'invariant' | 'consequence' | 'needs'> &
  Partial<PublisherPlant>;

export const PUBLISHER_PLANTS: readonly NamedPlant[] = [
  {
    name: 'publisher_keeps_retired_keys',
    invariant: 2,
    needs: { isLong: true },
    truth: withoutRetirement,
  },
  {
    name: 'publisher_keeps_leaked_keys',
    invariant: 2,
    needs: { isLong: true },
    storage: (storage) => changed(storage, { revokedForGood: async () => new Set<string>() }),
  },
  {
    name: 'publisher_stamps_after_reading',
    invariant: 4,
    consequence: 1,
    clockErrorMilliseconds: 1_500,
  },
  { name: 'publisher_publishes_only_news', invariant: 4, storage: onlyNews },
  {
    name: 'publisher_prunes_early',
    invariant: 4,
    storage: (storage) =>
      changed(storage, {
        takeMoment: (stamp, clockSkewSeconds) => storage.takeMoment(stamp, clockSkewSeconds - 300),
      }),
  },
  {
    name: 'publisher_acknowledges_before_it_is_durable',
    invariant: 4,
    needs: { runtime: 'workers' },
    syncsTooEarly: true,
  },
  {
    name: 'publisher_forgets_what_it_lost',
    invariant: 4,
    needs: { runtime: 'workers' },
    storage: (storage) =>
      changed(storage, {
        memory: async () => ({ ...(await storage.memory()), isRecovered: true }),
      }),
  },
  {
    name: 'publisher_recovers_without_the_head',
    invariant: 4,
    needs: { runtime: 'node' },
    feed: (feed) => ({
      ...feed,
      async readHead() {
        await feed.readHead();
        return undefined;
      },
    }),
  },
  { name: 'publisher_writes_the_head_first', invariant: 4, feed: headFirst },
  {
    name: 'publisher_relies_on_segments_at_once',
    invariant: 4,
    needs: { hasMasses: true },
    feed: (feed) => ({ ...feed, arrivalMilliseconds: 0 }),
  },
  {
    name: 'publisher_drops_what_it_moves',
    invariant: 4,
    needs: { hasMasses: true },
    storage: withoutSegments,
  },
  { name: 'publisher_believes_lost_writes', invariant: 4, feed: believing },
  {
    name: 'publisher_leaves_a_restored_database_alone',
    invariant: 4,
    needs: { runtime: 'workers' },
    truth: (truth) => ({
      ...truth,
      restoration: {
        ...truth.restoration,
        store: changed(truth.restoration.store, { moveMark: async () => true }),
      },
    }),
  },
  {
    name: 'publisher_believes_the_mark_alone',
    invariant: 4,
    needs: { runtime: 'workers', isRestoredOften: true },
    storage: (storage) =>
      storage.apart === undefined
        ? storage
        : changed(storage, { apart: { ...storage.apart, takenEntries: async () => [] } }),
  },
];

/** `target` with some of its methods replaced. */
function changed<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(object, property) {
      if (Object.hasOwn(changes, property)) return Reflect.get(changes, property);
      const value: unknown = Reflect.get(object, property, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

/** A retired key stays in the keyset, without an end. */
function withoutRetirement(truth: Truth): Truth {
  const everLive = (keys: readonly SigningKey[]): SigningKey[] =>
    keys.map(({ retiresAtSeconds: _, ...key }) => ({
      ...key,
      state: key.state === 'retired' ? 'retiring' : key.state,
    }));
  const { signingKeys } = truth;
  return {
    ...truth,
    signingKeys: changed(signingKeys, {
      list: async (tenantId) => everLive(await signingKeys.list(tenantId)),
      listAll: async () => everLive(await signingKeys.listAll()),
    }),
  };
}

/** A head has what is new since the one before. */
function onlyNews(storage: PublisherStorage): PublisherStorage {
  const published = new Set<string>();
  return changed(storage, {
    takeMoment: async (...question) => {
      const moment = await storage.takeMoment(...question);
      const news = entriesOf(moment.tail).filter(
        ({ scopeId }) => !published.has(formatScopeId(scopeId)),
      );
      for (const { scopeId } of news) published.add(formatScopeId(scopeId));
      return { ...moment, tail: encodeEntries(news) };
    },
  });
}

/** What has left the tail is in no head. */
function withoutSegments(storage: PublisherStorage): PublisherStorage {
  return changed(storage, {
    takeMoment: async (...question) => {
      const moment = await storage.takeMoment(...question);
      return { ...moment, segments: [] };
    },
  });
}

/** Objects are written some time after the head that names them. */
function headFirst(feed: FeedStore, world: World): FeedStore {
  return {
    ...feed,
    async writeKeyset(hash, text) {
      world.after(3_000, () => void feed.writeKeyset(hash, text).catch(() => undefined));
    },
  };
}

/** A write that KV did not confirm counts as done. */
function believing(feed: FeedStore): FeedStore {
  const orNot = async (write: Promise<void>) => {
    try {
      await write;
    } catch (error) {
      if (!(error instanceof KvOutage)) throw error;
    }
  };
  return {
    ...feed,
    writeKeyset: (hash, text) => orNot(feed.writeKeyset(hash, text)),
    writeSegment: (...segment) => orNot(feed.writeSegment(...segment)),
    writeHead: (compactJws) => orNot(feed.writeHead(compactJws)),
  };
}
