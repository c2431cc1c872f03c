/**
 * The publisher on Node: several processes on one database, each with the shipped loop, of which the
 * one that holds the lock publishes. They crash, stand still, lose the lock, stop in order and start
 * again; the database fails over to a copy that lacks its last commits, or is restored to an older one.
 */

import type { FeedStore } from '@cardea/control-plane/publication/feed-store/feed-store';
import { createKvFeedStore } from '@cardea/control-plane/publication/feed-store/feed-store.kv';
import {
  createNodePublisher,
  type NodePublisher,
} from '@cardea/control-plane/publication/node-publisher';
import { OBJECT_ARRIVAL_MILLISECONDS } from '@cardea/control-plane/publication/plan-publication';
import type {
  PublisherBell,
  PublisherLock,
} from '@cardea/control-plane/publication/publisher-lock';
import { Secret } from '@cardea/control-plane/secret';
import { unixMilliseconds } from '@cardea/shared/time';
import { AdvisoryLock } from './advisory-lock.ts';
import type { Answering } from './feed-endpoint.ts';
import { createNodeStorage } from './node-storage.ts';
import { type Observer, observedFeed } from './observed-publisher.ts';
import { Process } from './process.ts';
import {
  guardTruth,
  type PublisherEnvironment,
  type RunningPublisher,
} from './running-publisher.ts';
import { clockOffset, ENVIRONMENT_ID } from './setting.ts';

const PROCESSES = 3;

interface Running {
  readonly process: Process;
  readonly publisher: NodePublisher;
}

export function startNodePublishers(environment: PublisherEnvironment): RunningPublisher {
  const publishers = new NodePublishers(environment);
  return {
    announcer: { announce: (rows) => publishers.announce(rows), acknowledgesCommits: true },
    outages: [publishers.standstill()],
    losses: publishers.losses(),
    answering: () => publishers.answering(),
    close: () => {},
  };
}

class NodePublishers {
  readonly #environment: PublisherEnvironment;
  readonly #lock: AdvisoryLock;
  readonly #observers: readonly Observer[];
  readonly #running: Array<Running | undefined> = [];
  readonly #listeners = new Map<number, () => void>();
  #isRestored = false;
  #copy: Uint8Array;
  /** A moment ago: what a replica has when the primary is gone. */
  #replica: Uint8Array;

  constructor(environment: PublisherEnvironment) {
    const { world, random, story, ledger, setting, database } = environment;
    this.#environment = environment;
    this.#lock = new AdvisoryLock({ world, random, database });
    this.#observers = Array.from({ length: PROCESSES }, (_, place) => ({
      ...{ ledger, story, name: `node ${place}` },
      clockOffset: clockOffset(random, setting),
    }));
    for (let place = 0; place < PROCESSES; place++) void this.#start(place);
    this.#copy = database.sqlite.copy();
    this.#replica = this.#copy;
    world.every(
      () => random.integer(20_000, 90_000),
      () => {
        this.#copy = database.sqlite.copy();
      },
    );
    world.every(
      () => random.integer(4_000, 12_000),
      () => {
        this.#replica = database.sqlite.copy();
      },
    );
    world.every(
      () => random.integer(30_000, 120_000),
      () => void this.#stopOne(),
    );
  }

  /** As the API of one of the processes does, right after the commit. */
  async announce(rows: Parameters<NodePublisher['announcer']['announce']>[0]) {
    const { random } = this.#environment;
    const running = this.#running[random.integer(0, PROCESSES - 1)];
    if (running === undefined) return 'accepted';
    const { process, publisher } = running;
    return process.call(() => publisher.announcer.announce(rows)).catch(() => 'accepted' as const);
  }

  /** One of those that run, whether or not it is the one that publishes. */
  answering(): Answering | undefined {
    const place = this.#environment.random.integer(0, PROCESSES - 1);
    const running = this.#running[place];
    const clockOffset = this.#observers[place]?.clockOffset ?? 0;
    return running === undefined ? undefined : { feed: running.publisher.feed, clockOffset };
  }

  /** The process that publishes stands still: for longer than the lock lasts, and then goes on. */
  standstill() {
    const { random } = this.#environment;
    return {
      name: 'a publisher stands still',
      begin: () => {
        for (const one of this.#running) {
          if (random.chance(0.6)) one?.process.freeze(random.integer(3_000, 90_000));
        }
      },
      end: () => {
        for (const one of this.#running) one?.process.freeze(0);
      },
    };
  }

  losses(): RunningPublisher['losses'] {
    return [
      ['the database fails over', () => this.#goBack(this.#replica)],
      ['the database is restored', () => this.#goBack(this.#copy)],
    ];
  }

  #goBack(copy: Uint8Array): void {
    this.#lock.drop();
    this.#isRestored = true;
    this.#environment.database.goBack(copy);
  }

  async #start(place: number): Promise<void> {
    const observer = this.#observers[place];
    if (observer === undefined) return;
    const { name } = observer;
    const environment = this.#environment;
    const { world, random, story, tally, setting, controlPlane, plant } = environment;
    const process = new Process({
      ...{ name, world, random, crashChance: () => environment.faults.crashChance },
      onCrash: (at) => {
        story.tell(name, `crashes: ${at}`);
        tally.count(`crash ${at}`);
        this.#startAgain(place);
      },
    });
    const store = createKvFeedStore(environment.namespace as never, OBJECT_ARRIVAL_MILLISECONDS);
    const { feed, storageOf } = this.#watchRecovery(observedFeed(observer, store));
    const publisher = await createNodePublisher({
      config: {
        environmentId: ENVIRONMENT_ID,
        feedSigningKey: new Secret(environment.feedJwk),
        feedHeartbeatSeconds: setting.feedHeartbeatSeconds,
        clockSkewSeconds: setting.clockSkewSeconds,
      },
      storageOf: (term) => process.guard('storage', plant.storage(storageOf(term))),
      lock: guardLock(this.#lock.of(process), process),
      bell: process.guard('bell', this.#bell(place)),
      feed: process.guard('feed', plant.feed(feed, world)),
      truth: guardTruth(plant.truth(controlPlane.truth), process),
      afterAlarm: () => {},
      clock: {
        now: () =>
          unixMilliseconds(world.now + observer.clockOffset + plant.clockErrorMilliseconds),
      },
      randomBytes: environment.randomBytes,
      log: (...line) => {
        if (process.isAlive) environment.log(name)(...line);
      },
    });
    this.#running[place] = { process, publisher };
    publisher.start();
  }

  #startAgain(place: number): void {
    const { world, random } = this.#environment;
    this.#running[place] = undefined;
    world.after(random.integer(500, 10_000), () => void this.#start(place));
  }

  /** One process stops in order, and starts again. */
  async #stopOne(): Promise<void> {
    const { random, story } = this.#environment;
    const place = random.integer(0, PROCESSES - 1);
    const running = this.#running[place];
    if (running === undefined || running.process.isFrozen) return;
    story.tell(running.process.name, 'stops');
    this.#running[place] = undefined;
    // It may crash on its way out, and is started again by that already.
    await running.process
      .call(() => running.publisher.stop())
      .then(
        () => {
          running.process.end();
          this.#startAgain(place);
        },
        () => undefined,
      );
  }

  #bell(place: number): PublisherBell {
    const { world, random } = this.#environment;
    return {
      ring: async () => {
        await world.sleep(random.integer(1, 10));
        for (const heard of this.#listeners.values()) world.after(random.integer(1, 10), heard);
      },
      listen: async (heard) => {
        this.#listeners.set(place, heard);
        return async () => {
          this.#listeners.delete(place);
        };
      },
    };
  }

  /** What a recovery after a restoration could not find anywhere is nobody's duty any more. */
  #watchRecovery(store: FeedStore) {
    const { database, databaseNow, ledger, story, tally } = this.#environment;
    let headRead: string | undefined;
    const feed: FeedStore = {
      ...store,
      readHead: async () => {
        headRead = await store.readHead();
        return headRead;
      },
    };
    const recovered = () => {
      if (!this.#isRestored) return;
      this.#isRestored = false;
      const forgotten = ledger.forgetUnless(database.revocations(), headRead);
      if (forgotten === 0) return;
      story.tell('database', `${forgotten} revocations are left nowhere`);
      tally.count('revocations that nothing remembers');
    };
    const storageOf = (term?: bigint) => {
      const lock = this.#lock;
      return createNodeStorage({ database, lock, databaseNow, term, onRecovered: recovered });
    };
    return { feed, storageOf };
  }
}

function guardLock(lock: PublisherLock, process: Process): PublisherLock {
  return {
    close: () => process.around('lock.close', () => lock.close()),
    acquire: async () => {
      const term = await process.around('lock.acquire', () => lock.acquire());
      const isHeld = () =>
        process.around('lock.isHeld', async () => (await term?.isHeld()) === true);
      return term === undefined ? undefined : { id: term.id, isHeld };
    },
  };
}
