/** The publisher of this process, on its database and towards where the feed goes. Part of `node.ts`. */

import type { NodeConfig } from '../config.node.ts';
import {
  createEmbeddedPublisherLock,
  createPublisherBell,
  createPublisherLock,
} from '../database/publisher-lock.pg.ts';
import { createPublisherStorage } from '../database/publisher-storage.pg.ts';
import type { Log } from '../log.ts';
import { createTruth } from '../publication/create-truth.ts';
import { NO_FEED_STORE } from '../publication/feed-store/feed-store.none.ts';
import { createRestFeedStore } from '../publication/feed-store/feed-store.rest.node.ts';
import type { FeedStore } from '../publication/feed-store/feed-store.ts';
import { createNodePublisher, type NodePublisher } from '../publication/node-publisher.ts';
import { createMemorySchedule, createUpkeep } from '../upkeep/upkeep.ts';
import { createBackgroundWork } from './background-work.ts';
import type { OpenDatabase } from './open-database.ts';
import type { NodeStores } from './stores.ts';

export interface PublishingParts {
  readonly config: NodeConfig;
  readonly database: OpenDatabase;
  readonly means: NodeStores;
  readonly log: Log;
}

export async function createPublishing(parts: PublishingParts): Promise<NodePublisher> {
  const { config, database, means, log } = parts;
  const { db, sql } = database;
  const { auditEvent, clock, randomBytes, secrets, stores, tenants } = means;
  const { audit: auditEvents, restorations, revocations, signingKeys } = stores;
  const { keyEncryption, store } = secrets;
  const upkeep = createUpkeep({
    ...{ config, auditEvent, auditEvents, clock, keyEncryption, log, randomBytes, signingKeys },
    secrets: store,
    store: stores.upkeep,
    schedule: createMemorySchedule(),
  });
  const work = createBackgroundWork();
  const publisher = await createNodePublisher({
    afterAlarm: () => work.add(upkeep.runIfDue()),
    ...{ config, clock, randomBytes, log },
    storageOf: (term) => createPublisherStorage({ db, ...(term === undefined ? {} : { term }) }),
    lock:
      config.database.kind === 'postgres'
        ? createPublisherLock(config.database.url.reveal(), randomBytes)
        : createEmbeddedPublisherLock(db, randomBytes),
    ...(sql === undefined ? {} : { bell: createPublisherBell({ sql }) }),
    feed: feedStoreOf(parts),
    truth: createTruth({
      ...{ config, auditEvents, keyEncryption, randomBytes, revocations, signingKeys, log },
      ...{ clock, edges: stores.edges, replacedKeys: stores.replacedKeys },
      tenants: tenants.all,
      restorations,
      secrets: store,
    }),
  });
  const stop = async () => {
    await publisher.stop();
    await work.settled();
  };
  return { ...publisher, stop };
}

function feedStoreOf({ config, means, log }: PublishingParts): FeedStore {
  if (config.kv === undefined) return NO_FEED_STORE;
  const { clock, randomBytes } = means;
  const random = () => (randomBytes(1)[0] ?? 0) / 255;
  const arrivalMilliseconds = config.feedObjectArrivalSeconds * 1000;
  return createRestFeedStore({ ...config.kv, ...{ arrivalMilliseconds, clock, random, log } });
}
