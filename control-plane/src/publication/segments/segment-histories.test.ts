/**
 * Guarantee: whatever comes in, ends, fails or is lost, and in whatever order, each head contains every
 * revocation acknowledged before its `iat`, in objects that are there, within the limits that edges have.
 * Seeded histories of the real publisher on a storage, a database and a KV in memory.
 */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { parseSegment } from '@cardea/shared/feed/segment';
import { FEED_SEGMENTS_MAX } from '@cardea/shared/limits';
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../../../../test/simulation/random.ts';
import {
  CLOCK_SKEW_SECONDS,
  ENTRY_LIVES_SECONDS,
  Fault,
  MemoryWorld,
  SMALL_LIMITS,
} from '../../../testing/memory-publisher.ts';
import type { LiveEntry } from '../publisher-storage.ts';
import { entryOf } from '../synchronise.ts';
import { bucketSecondsOf } from './plan-segments.ts';
import { entriesOf } from './segment-content.ts';

interface Acknowledged extends LiveEntry {
  readonly at: number;
}

const ARRIVAL_MILLISECONDS = 120_000;

class History {
  readonly acknowledged: Acknowledged[] = [];
  seq = 0;
  checked = 0;
  segmentsMost = 0;
  /** Heads that named a segment before it had arrived. */
  early = 0;
  readonly world: MemoryWorld;
  readonly random: Random;

  constructor(world: MemoryWorld, random: Random) {
    this.world = world;
    this.random = random;
  }

  newEntry(): LiveEntry {
    const { random, world } = this;
    const now = Math.floor(world.now / 1000);
    const isForGood = random.chance(0.7);
    // Few scopes in one half, so that many of them are revoked more than once.
    const high = random.chance(0.5) ? random.integer(0, 30) : random.integer(0, 0xffffffff);
    return {
      scopeId: { high, low: random.integer(0, 3) },
      boundSeconds: isForGood ? FOR_GOOD : now,
      expiresAtSeconds: now + (random.chance(0.9) ? ENTRY_LIVES_SECONDS : random.integer(60, 6000)),
      ...(random.chance(0.02) ? { staysInline: true } : {}),
    };
  }

  async revoke(): Promise<void> {
    const { world } = this;
    const entry = entryOf(world.commit(this.newEntry()));
    if (this.random.chance(0.2)) return; // Nobody tells the publisher: it finds the row.
    try {
      await world.publisher.acknowledge([entry]);
      this.acknowledged.push({ ...entry, at: world.now });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  async checkHeads(): Promise<void> {
    for (const text of this.world.heads.slice(this.checked)) await this.#check(text);
    this.checked = this.world.heads.length;
  }

  async #check(text: string): Promise<void> {
    const head = await verifyHead(text, this.world.feedKeys);
    if (!head.ok) throw new Error(JSON.stringify(head.refusal));
    const { issuedAtSeconds, segments, seq, tail } = head.value;
    expect(seq).toBeGreaterThan(this.seq);
    this.seq = seq;
    expect(segments.length).toBeLessThanOrEqual(FEED_SEGMENTS_MAX);
    this.segmentsMost = Math.max(this.segmentsMost, segments.length);
    const bounds = new Map<string, number>();
    const runs = [tail];
    let tooEarly = 0;
    for (const reference of segments) {
      const object = this.world.kv.get(reference.hash);
      if (!(object?.value instanceof Uint8Array)) throw new Error('A named segment is not there.');
      const parsed = await parseSegment(object.value, reference);
      expect(parsed.ok).toBe(true);
      expect(object.value.length).toBeLessThanOrEqual(12 * SMALL_LIMITS.segmentMax);
      const namedUntil = (reference.expiresAtSeconds + CLOCK_SKEW_SECONDS) * 1000;
      expect(namedUntil + 1000).toBeGreaterThan(issuedAtSeconds * 1000);
      expect(object.expiresAt).toBeGreaterThan(namedUntil);
      runs.push([...entriesOf(object.value)]);
      const isEarly = object.firstWrittenAt + ARRIVAL_MILLISECONDS > issuedAtSeconds * 1000 + 1000;
      tooEarly += isEarly ? reference.entryCount : 0;
    }
    // Only where there is no room for them in the head. What stands in several segments counts once.
    if (tooEarly > 0) expect(tail.length + tooEarly).toBeGreaterThan(SMALL_LIMITS.tailMax / 2);
    this.early += tooEarly > 0 ? 1 : 0;
    for (const { scopeId, boundSeconds } of runs.flat()) {
      const key = formatScopeId(scopeId);
      bounds.set(key, Math.max(boundSeconds, bounds.get(key) ?? 0));
    }
    for (const { at, boundSeconds, expiresAtSeconds, scopeId } of this.acknowledged) {
      if (at >= issuedAtSeconds * 1000 || expiresAtSeconds <= issuedAtSeconds) continue;
      const bound = bounds.get(formatScopeId(scopeId)) ?? -1;
      if (bound < boundSeconds) throw new Error(`Lost: ${JSON.stringify({ scopeId, at, head })}`);
    }
    const latest = issuedAtSeconds - CLOCK_SKEW_SECONDS - bucketSecondsOf(ENTRY_LIVES_SECONDS);
    const isDead = ({ expiresAtSeconds }: LiveEntry) => expiresAtSeconds < latest;
    const alive = new Set(
      this.world.rows.filter((row) => !isDead(entryOf(row))).map(({ entry }) => entry.scopeId),
    );
    expect(bounds.size).toBeLessThanOrEqual(alive.size);
  }
}

async function run(seed: number, { faults, losses }: { faults: number; losses: number }) {
  const random = createRandom(seed);
  const world = await MemoryWorld.open(SMALL_LIMITS);
  const history = new History(world, random);
  world.fault = () => (random.chance(faults) ? (random.chance(0.5) ? 'before' : 'after') : 'none');
  for (let step = 0; step < 120; step++) {
    const count = random.chance(0.05) ? random.integer(50, 150) : random.integer(0, 12);
    for (let one = 0; one < count; one++) await history.revoke();
    if (random.chance(losses)) world.loseStorage();
    if (random.chance(0.05)) world.restart();
    world.now += random.chance(0.3)
      ? random.integer(60_000, 400_000)
      : random.integer(1000, 30_000);
    await world.runAlarm();
    await history.checkHeads();
  }
  return history;
}

test.each([
  ['nothing fails', { faults: 0, losses: 0 }],
  ['calls fail', { faults: 0.01, losses: 0 }],
  ['calls fail and the storage is lost', { faults: 0.005, losses: 0.03 }],
])(
  'no head lacks what was acknowledged: %s',
  async (_, weather) => {
    const histories = [];
    for (let seed = 1; seed <= 6; seed++) histories.push(await run(seed, weather));
    const most = Math.max(...histories.map(({ segmentsMost }) => segmentsMost));
    expect(most).toBeGreaterThan(5); // The histories do reach segments.
    for (const { checked } of histories) expect(checked).toBeGreaterThan(50);
  },
  120_000,
);
