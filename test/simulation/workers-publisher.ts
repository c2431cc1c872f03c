/** The publisher on Workers: the hub, told by the announcer, on KV. */

import { createFeedReader } from '@cardea/control-plane/publication/feed-reader';
import { createKvFeedStore } from '@cardea/control-plane/publication/feed-store/feed-store.kv';
import { createHubAnnouncer } from '@cardea/control-plane/publication/hub/hub-announcer';
import { OBJECT_ARRIVAL_MILLISECONDS } from '@cardea/control-plane/publication/plan-publication';
import { unixMilliseconds } from '@cardea/shared/time';
import { Hub } from './hub.ts';
import { type Observer, observedFeed, observedStorage } from './observed-publisher.ts';
import {
  guardTruth,
  type PublisherEnvironment,
  type RunningPublisher,
} from './running-publisher.ts';
import { clockOffset, ENVIRONMENT_ID, START_MILLISECONDS } from './setting.ts';

export function startWorkersPublisher(environment: PublisherEnvironment): RunningPublisher {
  const { world, random, database, controlPlane, ledger, setting, story, tally } = environment;
  const observer: Observer = {
    ...{ ledger, story, name: 'hub', clockOffset: clockOffset(random, setting) },
  };
  const hub = createHub(environment, observer);
  const log = environment.log('api');
  const { revocations } = controlPlane.stores;
  let acknowledgements = 0;
  const counting: Pick<Hub, 'acknowledge' | 'poke'> = {
    acknowledge: async (entries) => {
      await hub.acknowledge(entries);
      acknowledgements++;
    },
    poke: (wish) => hub.poke(wish),
  };
  const announcer = createHubAnnouncer({ hub: counting, revocations, log });
  // An isolate of the control plane: its clock only says how long it keeps what the hub answered.
  const clock = { now: () => unixMilliseconds(world.now) };
  const feed = createFeedReader({ hub, clock, log });
  const poke = () => void hub.poke({ soon: false }).catch(() => undefined);
  // The worker wakes a hub that never ran, and a cron does so every minute.
  world.every(() => 60_000, poke);
  poke();
  const backUp = () => ({ database: database.sqlite.copy(), mark: database.mark });
  let copy = backUp();
  world.every(
    () => random.integer(4_000, 60_000),
    () => {
      copy = backUp();
    },
  );
  const restore = () => {
    // Younger than the last cycle: the mark does not show that it is an older one.
    if (copy.mark === hub.mark) tally.count('restored under the present mark');
    database.goBack(copy.database);
  };
  // A backup of every state that a cycle leaves, and back to it at the first acknowledgement after it.
  const loseYoungest = () => {
    if (world.now > START_MILLISECONDS + (setting.faultySeconds - 5) * 1000) return;
    if (copy.mark !== database.mark) {
      copy = backUp();
      acknowledgements = 0;
    } else if (acknowledgements > 0) {
      story.tell('faults', 'the database is restored to the last cycle');
      restore();
      acknowledgements = 0;
    }
  };
  if (setting.isRestoredOften) world.every(() => 50, loseYoungest);
  return {
    announcer,
    answering: () => ({ feed, clockOffset: observer.clockOffset }),
    close: () => hub.storage.close(),
    outages: [
      {
        name: 'the hub is away',
        begin: () => {
          hub.isUp = false;
        },
        end: () => {
          hub.isUp = true;
        },
      },
    ],
    losses: [
      ['the hub loses its storage', () => hub.loseStorage()],
      ['the database is restored', restore],
    ],
  };
}

function createHub(environment: PublisherEnvironment, observer: Observer): Hub {
  const { world, random, story, tally, setting, controlPlane, plant } = environment;
  const clockOffsetSeen = observer.clockOffset + plant.clockErrorMilliseconds;
  const feed = observedFeed(
    observer,
    createKvFeedStore(environment.namespace as never, OBJECT_ARRIVAL_MILLISECONDS),
  );
  return new Hub({
    ...{ world, random, story, fail: environment.fail },
    syncsTooEarly: plant.syncsTooEarly,
    crashChance: () => environment.faults.crashChance,
    onCrash: (place) => {
      story.tell('hub', `crashes: ${place}`);
      tally.count(`crash ${place}`);
    },
    around: (storage) => plant.storage(observedStorage(observer, storage)),
    partsIn: (process) => ({
      feed: process.guard('feed', plant.feed(feed, world)),
      truth: guardTruth(plant.truth(controlPlane.truth), process),
      signHead: (head) => process.around('signHead', () => environment.signHead(head)),
      feedKeys: environment.feedKeys,
      environmentId: ENVIRONMENT_ID,
      entryLivesSeconds: controlPlane.truth.durations.tokenLivesSeconds,
      clockSkewSeconds: setting.clockSkewSeconds,
      heartbeatMilliseconds: setting.feedHeartbeatSeconds * 1000,
      clock: { now: () => unixMilliseconds(world.now + clockOffsetSeen) },
      random: () => random.fraction(),
      log: environment.log('hub'),
    }),
  });
}
