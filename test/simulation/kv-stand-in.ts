/**
 * A stand-in for Workers KV with what the real one may do and the local emulation does not: writes
 * that are lost, or arrive after their writer gave up, and so in another order; locations that see a
 * write up to a minute late, each in its own order; former values; misses that stay cached; reads that
 * fail or take longer than anybody waits. And somebody who can write it.
 */

import type { Random } from './random.ts';
import type { World } from './world.ts';

export type Value = string | Uint8Array<ArrayBuffer>;

export interface Weather {
  readonly locations: number;
  readonly propagationMillisecondsMax: number;
  /** Each from 0 to 1, per operation. */
  readonly writeLoss: number;
  readonly writeLate: number;
  readonly readFailure: number;
  readonly readSlow: number;
  readonly staleRead: number;
}

interface Version {
  readonly value: Value | undefined;
  /** When each location begins to see it. */
  readonly visibleAt: readonly number[];
}

/** After this long readers and writers give up: the same for both, to keep the model small. */
export const PATIENCE_MILLISECONDS = 2_000;
const MISS_CACHED_MILLISECONDS_MAX = 60_000;

export class KvOutage extends Error {
  override name = 'KvOutage';
}

export class KvStandIn {
  readonly #world: World;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #versions = new Map<string, Version[]>();
  readonly #missUntil = new Map<string, number>();

  constructor(world: World, random: Random, weather: Weather) {
    this.#world = world;
    this.#random = random;
    this.#weather = weather;
  }

  /** Throws {@link KvOutage} if the write is lost, or if its writer does not hear in time. */
  async put(name: string, value: Value): Promise<void> {
    const random = this.#random;
    if (random.chance(this.#weather.writeLoss)) {
      await this.#world.sleep(random.integer(5, 500));
      throw new KvOutage();
    }
    if (random.chance(this.#weather.writeLate)) {
      this.#world.after(random.integer(PATIENCE_MILLISECONDS, 60_000), () =>
        this.plant(name, value),
      );
      await this.#world.sleep(PATIENCE_MILLISECONDS);
      throw new KvOutage();
    }
    await this.#world.sleep(random.integer(5, 300));
    this.plant(name, value);
  }

  /** Throws {@link KvOutage} if the read fails or takes too long. */
  async get(location: number, name: string): Promise<Value | undefined> {
    const random = this.#random;
    if (random.chance(this.#weather.readFailure)) {
      await this.#world.sleep(random.integer(5, 500));
      throw new KvOutage();
    }
    if (random.chance(this.#weather.readSlow)) {
      await this.#world.sleep(PATIENCE_MILLISECONDS);
      throw new KvOutage();
    }
    await this.#world.sleep(random.integer(2, 80));
    return this.#see(location, name);
  }

  /** A write that succeeds: the honest one when it arrives, or somebody else's. */
  plant(name: string, value: Value | undefined): void {
    const { locations, propagationMillisecondsMax } = this.#weather;
    const visibleAt = Array.from(
      { length: locations },
      () => this.#world.now + this.#random.integer(0, propagationMillisecondsMax),
    );
    const versions = this.#versions.get(name) ?? [];
    versions.push({ value, visibleAt });
    this.#versions.set(name, versions);
  }

  /** Every value ever written under `name`, oldest first; what an attacker may have kept. */
  history(name: string): Value[] {
    const versions = this.#versions.get(name) ?? [];
    return versions.flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  names(): string[] {
    return [...this.#versions.keys()];
  }

  #see(location: number, name: string): Value | undefined {
    const cacheName = `${location} ${name}`;
    if ((this.#missUntil.get(cacheName) ?? 0) > this.#world.now) return undefined;
    const value = this.#current(location, name);
    if (value === undefined) {
      const cached = this.#random.integer(0, MISS_CACHED_MILLISECONDS_MAX);
      this.#missUntil.set(cacheName, this.#world.now + cached);
    }
    return value;
  }

  /** What became visible last, whatever was written last: locations may go back. */
  #current(location: number, name: string): Value | undefined {
    const visible = (this.#versions.get(name) ?? [])
      .filter(({ visibleAt }) => (visibleAt[location] ?? 0) <= this.#world.now)
      .sort((a, b) => (a.visibleAt[location] ?? 0) - (b.visibleAt[location] ?? 0));
    const isStale = visible.length > 1 && this.#random.chance(this.#weather.staleRead);
    const back = isStale ? this.#random.integer(2, Math.min(4, visible.length)) : 1;
    return visible.at(-back)?.value;
  }
}
