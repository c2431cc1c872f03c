/**
 * One run, all from one seed: a control plane, its publisher, KV at its worst, several edges with
 * several isolates each, sometimes somebody who can write KV. First everything goes wrong that may;
 * then it is calm, and everything has to come right by itself.
 *
 * THIS IS A SIMULATION: KV, D1, Durable Objects, the network and all clocks are stand-ins. What runs on
 * them is the shipped code: stores, minting, the publisher with its storage, the feed's formats, the
 * edge's pipeline.
 */

import type { Ed25519PrivateJwk } from '@cardea/control-plane/ed25519-private-jwk';
import type { Log } from '@cardea/control-plane/log';
import { OBJECT_ARRIVAL_MILLISECONDS } from '@cardea/control-plane/publication/plan-publication';
import { createHeadSigner } from '@cardea/control-plane/publication/sign-head';
import type { RevocationAnnouncer } from '@cardea/control-plane/revocations/revocation';
import { Secret } from '@cardea/control-plane/secret';
import { type FixedKey, fixedKey, pinned } from '@cardea/shared/feed/testing/feed-fixture';
import { Attacker, FORGED_TOKEN } from './attacker.ts';
import { Callers } from './callers.ts';
import { ControlPlane } from './control-plane.ts';
import { awaitConvergence } from './convergence.ts';
import { Database } from './database.ts';
import { Edges } from './edges.ts';
import { calmDown, chooseFaults, type Faults, planLoss, planOutages } from './faults.ts';
import { FeedEndpoint } from './feed-endpoint.ts';
import { KvStandIn } from './kv-stand-in.ts';
import { Ledger, type Violation } from './ledger.ts';
import { startNodePublishers } from './node-publishers.ts';
import { NO_PLANT, type Plant } from './plants.ts';
import { createRandom, type Random } from './random.ts';
import type { PublisherEnvironment, RunningPublisher } from './running-publisher.ts';
import {
  chooseSetting,
  clockOffset,
  type Runtime,
  type Setting,
  START_MILLISECONDS,
} from './setting.ts';
import { Story } from './story.ts';
import { Tally } from './tally.ts';
import { takePlatform } from './virtual-platform.ts';
import { startWorkersPublisher } from './workers-publisher.ts';
import { World } from './world.ts';

export interface Plan {
  readonly seed: number;
  readonly runtime?: Runtime;
  readonly plant?: Plant;
  /** Whether the story is kept to be read. */
  readonly isTold?: boolean;
}

export interface Outcome {
  /** The first one is what went wrong; the run ends with it. */
  readonly violations: readonly Violation[];
  readonly tally: Tally;
  readonly story: Story;
}

const FEED_KEY = await fixedKey(1);
const FEED_JWK = await privateJwkOf(FEED_KEY);
const SIGN_HEAD = await createHeadSigner(new Secret(FEED_JWK));
const FEED_KEYS = await pinned(FEED_KEY);

/** Runs `plan` to its end, or to the first violation. The same plan, the same run. */
export async function simulate(plan: Plan): Promise<Outcome> {
  const random = createRandom(plan.seed);
  const world = new World(START_MILLISECONDS + random.integer(0, 999));
  const giveBack = takePlatform(world);
  const run = new Run(plan, world, random);
  try {
    return await run.toItsEnd();
  } finally {
    run.close();
    giveBack();
  }
}

/** The parts of one run, put together. */
class Run {
  readonly #plant: Plant;
  readonly #world: World;
  readonly #random: Random;
  readonly #story: Story;
  readonly #tally = new Tally();
  readonly #setting: Setting;
  readonly #faults: Faults;
  readonly #databaseOffset: number;
  readonly #ledger: Ledger;
  readonly #database: Database;
  readonly #kv: KvStandIn;
  readonly #controlPlane: ControlPlane;
  readonly #publisher: RunningPublisher;
  readonly #feedEndpoint: FeedEndpoint;
  readonly #callers: Callers;
  readonly #edges: Edges;
  #isOver = false;

  constructor(plan: Plan, world: World, random: Random) {
    this.#plant = plan.plant ?? NO_PLANT;
    this.#world = world;
    this.#random = random;
    this.#story = new Story(world, { isKept: plan.isTold ?? false });
    this.#setting = chooseSetting(random, { ...plan, ...this.#plant.needs });
    this.#faults = chooseFaults(random);
    this.#databaseOffset = clockOffset(random, this.#setting);
    this.#ledger = this.#createLedger();
    const weather = this.#faults.database;
    this.#database = new Database({ world, random, weather, clock: this.#databaseNow });
    this.#database.onSigningKeys = (keys) => this.#ledger.keysAre(keys);
    if (this.#setting.runtime === 'node') this.#acknowledgeWhenInEffect();
    const { locations } = this.#setting;
    this.#kv = new KvStandIn({
      ...{ world, random, story: this.#story, locations, weather: this.#faults.kv },
    });
    this.#controlPlane = new ControlPlane({
      ...{ world, setting: this.#setting, database: this.#database },
      ...{ randomBytes: this.#randomBytes, log: this.#log('api') },
    });
    this.#publisher = this.#startPublisher();
    this.#feedEndpoint = new FeedEndpoint({
      ...{ world, random, ledger: this.#ledger, faults: this.#faults },
      answering: this.#publisher.answering,
    });
    this.#controlPlane.announcer = judged(this.#publisher.announcer, this.#ledger);
    this.#callers = this.#createCallers();
    this.#edges = this.#createEdges();
  }

  async toItsEnd(): Promise<Outcome> {
    const { violations } = this.#ledger;
    const length = this.#setting.faultySeconds * 1000;
    this.#callers.start();
    this.#edges.start();
    const attacker = this.#planFaults(length);
    this.#world.after(length, () => {
      this.#story.tell('faults', 'are over');
      calmDown(this.#faults);
      this.#callers.isActive = false;
      this.#edges.isActive = false;
      attacker?.stop();
      void this.#converge();
    });
    await this.#world.run(() => !this.#isOver && violations.length === 0);
    for (const { what } of violations) this.#story.tell('VIOLATION', what);
    return { violations, tally: this.#tally, story: this.#story };
  }

  close(): void {
    this.#publisher.close();
    this.#database.sqlite.close();
  }

  #createLedger(): Ledger {
    const { clockSkewSeconds, derivedTokenTtlMaxSeconds } = this.#setting;
    return new Ledger({
      now: () => this.#world.now,
      // By an edge's clock, which may be off by the skew once more.
      tokenLivesMilliseconds: (derivedTokenTtlMaxSeconds + 2 * clockSkewSeconds) * 1000,
      // One process may have written the object, and another one the head, by clocks of their own.
      arrivalMilliseconds: OBJECT_ARRIVAL_MILLISECONDS - clockSkewSeconds * 1000,
      databaseOffsetMilliseconds: this.#databaseOffset,
    });
  }

  #startPublisher(): RunningPublisher {
    const environment: PublisherEnvironment = {
      ...{ world: this.#world, random: this.#random, story: this.#story, tally: this.#tally },
      ...{ ledger: this.#ledger, setting: this.#setting, faults: this.#faults },
      ...{ database: this.#database, databaseNow: this.#databaseNow },
      ...{ controlPlane: this.#controlPlane, plant: this.#plant.publisher },
      ...{ feedKeys: FEED_KEYS, signHead: SIGN_HEAD, feedJwk: FEED_JWK },
      ...{ randomBytes: this.#randomBytes, log: this.#log, fail: this.#fail },
      namespace: this.#kv.namespaceAt(0),
    };
    return this.#setting.runtime === 'node'
      ? startNodePublishers(environment)
      : startWorkersPublisher(environment);
  }

  #createCallers(): Callers {
    return new Callers({
      ...{ world: this.#world, random: this.#random, story: this.#story, tally: this.#tally },
      ...{ ledger: this.#ledger, controlPlane: this.#controlPlane, fail: this.#fail },
      ...{ pace: this.#setting.pace, hasMasses: this.#setting.hasMasses },
      nowSeconds: () => Math.floor(this.#databaseNow() / 1000),
    });
  }

  #createEdges(): Edges {
    const { createFeed, keepsLine } = this.#plant;
    return new Edges({
      ...{ world: this.#world, random: this.#random, story: this.#story, tally: this.#tally },
      ...{ ledger: this.#ledger, setting: this.#setting, kv: this.#kv, feedKeys: FEED_KEYS },
      cancelledChance: () => this.#faults.cancelledChance,
      tokens: () => [FORGED_TOKEN, ...this.#callers.tokens],
      fetchFeed: (url, init) => this.#feedEndpoint.fetch(url, init),
      ...(createFeed === undefined ? {} : { createFeed }),
      ...(keepsLine === undefined ? {} : { keepsLine }),
    });
  }

  #planFaults(length: number): Attacker | undefined {
    const parts = {
      ...{ world: this.#world, random: this.#random, story: this.#story, tally: this.#tally },
    };
    const database = this.#database;
    const databaseAway = {
      name: 'the database is away',
      begin: () => {
        database.isUp = false;
      },
      end: () => {
        database.isUp = true;
      },
    };
    const endpoint = this.#feedEndpoint;
    const laneBAway = {
      name: 'lane B is away',
      begin: () => {
        endpoint.isUp = false;
      },
      end: () => {
        endpoint.isUp = true;
      },
    };
    const outages = [databaseAway, laneBAway, ...this.#publisher.outages];
    planOutages({ ...parts, length }, outages);
    planLoss({ ...parts, length }, this.#publisher.losses);
    if (!(this.#plant.needs?.hasAttacker ?? this.#random.chance(0.4))) return undefined;
    this.#tally.count('attacked');
    return new Attacker({ ...parts, kv: this.#kv, feedKey: FEED_KEY });
  }

  async #converge(): Promise<void> {
    try {
      const seconds = await awaitConvergence({
        ...{ world: this.#world, story: this.#story, ledger: this.#ledger },
        ...{ setting: this.#setting, controlPlane: this.#controlPlane, edges: this.#edges },
        database: this.#database,
      });
      this.#tally.count(`converged within ${Math.ceil(seconds / 60)} min`);
    } catch (error) {
      this.#fail(error);
    }
    this.#isOver = true;
  }

  /** On Node a revocation is acknowledged by its commit, or when it takes effect after that. */
  #acknowledgeWhenInEffect(): void {
    const database = this.#database;
    const ledger = this.#ledger;
    database.onRevocation = ({ entry, effectiveAtSeconds, expiresAtSeconds, revocationId }) => {
      const wait = effectiveAtSeconds * 1000 - this.#databaseNow();
      if (wait <= 0) {
        ledger.acknowledge(entry, expiresAtSeconds);
        return;
      }
      this.#world.after(wait, () => {
        if (database.hasRevocation(revocationId)) ledger.acknowledge(entry, expiresAtSeconds);
      });
    };
  }

  readonly #databaseNow = () => this.#world.now + this.#databaseOffset;

  readonly #randomBytes = (length: number) =>
    Uint8Array.from({ length }, () => this.#random.integer(0, 255));

  readonly #log =
    (who: string): Log =>
    (level, event, { error = '' }) => {
      if (level === 'error') this.#story.tell(who, `${event} ${error}`);
    };

  readonly #fail = (error: unknown) => {
    const trace = error instanceof Error ? error.stack : String(error);
    this.#ledger.broken(0, `a bug, or something that nobody catches: ${trace}`);
  };
}

async function privateJwkOf({ x, privateKey }: FixedKey): Promise<Ed25519PrivateJwk> {
  const { d = '' } = await crypto.subtle.exportKey('jwk', privateKey);
  return { kty: 'OKP', crv: 'Ed25519', x, d };
}

/** Invariant 4: what was called acknowledged is in the publisher's durable storage. */
function judged(announcer: RevocationAnnouncer, ledger: Ledger): RevocationAnnouncer {
  return {
    ...announcer,
    async announce(rows) {
      const announcement = await announcer.announce(rows);
      for (const { entry } of announcement === 'acknowledged' ? rows : []) {
        if (!ledger.wasAcknowledged(entry)) ledger.broken(4, 'acknowledged before it is durable');
      }
      return announcement;
    },
  };
}
