/**
 * One run: a control plane, a publisher, KV as it may behave at its worst, several edges, sometimes an
 * attacker, all from one seed. THIS IS A SIMULATION: KV, the clocks, the network and the control plane
 * are models. Real are the feed client of the edge, the codecs, WebCrypto, and the publisher's plan.
 */

import { fixedKey, pinned } from '@cardea/shared/feed/testing/feed-fixture';
import { FORGED_TOKEN, startAttacker } from './attacker-model.ts';
import { ControlPlaneModel, TOKEN_SECONDS_MAX } from './control-plane-model.ts';
import { type EdgeKind, EdgeModel, type Tally } from './edge-model.ts';
import { KvStandIn, type Weather } from './kv-stand-in.ts';
import { Ledger } from './ledger.ts';
import { type PublisherFlaw, PublisherModel } from './publisher-model.ts';
import { createRandom, type Random } from './random.ts';
import { observeWebCrypto, World } from './world.ts';

observeWebCrypto();

export interface Plan {
  readonly seed: number;
  readonly edge?: EdgeKind;
  readonly publisher?: PublisherFlaw;
  readonly hasAttacker?: boolean;
}

export interface Outcome extends Tally {
  /** Of the last head that was signed: differs if anything about two runs differs. */
  readonly lastSeq: number;
}

const START_MILLISECONDS = 1_700_000_000_000;
const ENVIRONMENT_ID = 'simulated';
const EDGES = 3;
const FEED_KEY = await fixedKey(1);
const FEED_KEYS = await pinned(FEED_KEY);

/** Runs `plan` to its end, or throws the first `InvariantBroken`. The same plan, the same run. */
export async function simulate(plan: Plan): Promise<Outcome> {
  const random = createRandom(plan.seed);
  const world = new World(START_MILLISECONDS + random.integer(0, 999));
  const failures: unknown[] = [];
  const fail = (error: unknown) => void failures.push(error);

  const hardSeconds = random.pick([20, 60, 120]);
  const clockSkewSeconds = random.pick([0, 4, 10]);
  /** Two clocks differ by the tolerated skew at most. */
  const offset = () => random.integer(-500 * clockSkewSeconds, 500 * clockSkewSeconds);
  const publisherOffsetMilliseconds = offset();
  const timing = { hardSeconds, clockSkewSeconds };

  const kv = new KvStandIn(world, random, weatherOf(random));
  const ledger = new Ledger({
    boundMilliseconds: (hardSeconds + clockSkewSeconds) * 1000,
    publisherOffsetMilliseconds,
    now: () => world.now,
  });
  const publisher = new PublisherModel({
    ...{ world, random, kv, ledger, fail, clockSkewSeconds },
    feedKey: FEED_KEY,
    feedKeys: FEED_KEYS,
    entryLivesSeconds: TOKEN_SECONDS_MAX + clockSkewSeconds,
    environmentId: ENVIRONMENT_ID,
    offsetMilliseconds: publisherOffsetMilliseconds,
    heartbeatMilliseconds: Math.min(30, Math.floor(hardSeconds / 4)) * 1000,
    crashChance: random.pick([0, 0.01, 0.08]),
    flaw: plan.publisher ?? 'none',
  });
  const offsetMilliseconds = offset();
  const parts = { world, random, ledger, publisher, offsetMilliseconds, ...timing };
  const controlPlane = new ControlPlaneModel(parts);
  const tally = emptyTally();
  const edges = Array.from(
    { length: EDGES },
    (_, location) =>
      new EdgeModel({
        ...{ world, random, kv, ledger, location, tally, fail, ...timing },
        ...{ feedKeys: FEED_KEYS, environmentId: ENVIRONMENT_ID },
        kind: plan.edge ?? 'shipped',
        offsetMilliseconds: offset(),
        tokens: () => [...controlPlane.tokens, FORGED_TOKEN],
      }),
  );

  publisher.start();
  controlPlane.start();
  for (const edge of edges) edge.start();
  planOutages({ world, random, publisher });
  planLosses({ world, random: createRandom(~plan.seed), publisher });
  const hasAttacker = random.chance(0.5);
  if (plan.hasAttacker ?? hasAttacker) startAttacker({ world, random, kv, feedKey: FEED_KEY });

  const lengthSeconds = random.pick([240, 240, 240, 400, 1300]);
  await world.run(START_MILLISECONDS + lengthSeconds * 1000, () => {
    if (failures.length > 0) throw failures[0];
  });
  return { ...tally, lastSeq: ledger.lastSeq };
}

function weatherOf(random: Random): Weather {
  const isRough = random.chance(0.5);
  return {
    locations: EDGES,
    propagationMillisecondsMax: random.pick([500, 15_000, 60_000]),
    writeLoss: isRough ? 0.1 : 0,
    writeLate: isRough ? 0.05 : 0,
    readFailure: isRough ? 0.05 : 0,
    readSlow: isRough ? 0.02 : 0,
    staleRead: isRough ? 0.1 : 0,
  };
}

interface Outages {
  readonly world: World;
  readonly random: Random;
  readonly publisher: PublisherModel;
}

/** The publisher stands still for a while, and the database is away for a while. */
function planOutages({ world, random, publisher }: Outages): void {
  world.after(random.integer(40_000, 240_000), () => {
    publisher.isFrozen = true;
    world.after(random.integer(10_000, 150_000), () => {
      publisher.isFrozen = false;
    });
  });
  world.after(random.integer(40_000, 240_000), () => {
    publisher.isDatabaseUp = false;
    world.after(random.integer(10_000, 100_000), () => {
      publisher.isDatabaseUp = true;
    });
  });
}

/** One of them: what both have forgotten is left in KV's head alone, which may be an old one. */
function planLosses({ world, random, publisher }: Outages): void {
  const lose = random.pick<() => void>([
    () => publisher.loseStorage(),
    () => publisher.restoreDatabase(),
    () => undefined,
  ]);
  world.after(random.integer(60_000, 230_000), lose);
}

function emptyTally(): Tally {
  const outcomes = { accepted: 0, degraded: 0, revoked: 0, stale: 0 };
  return { ...outcomes, unknownKey: 0, deadOrExpired: 0, restarts: 0 };
}
