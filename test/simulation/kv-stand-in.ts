/**
 * A stand-in for Workers KV with what the real one may do and the local emulation does not: locations
 * that see a write up to two minutes late, each in its own order; former values; misses that stay
 * cached; writes that are lost, arrive after their writer gave up (and so in another order), arrive
 * twice, or arrive torn; reads that fail or take longer than anybody waits. And somebody who can write
 * it. A write that was confirmed did happen: the real one promises that much.
 */

import type { Random } from './random.ts';
import type { Story } from './story.ts';
import type { World } from './world.ts';

export type Value = string | Uint8Array<ArrayBuffer>;

/** Asked anew for each operation: faults begin and end. */
export interface KvWeather {
  propagationMillisecondsMax: number;
  /** Each from 0 to 1, per operation. */
  writeLost: number;
  writeLate: number;
  writeTwice: number;
  writeTorn: number;
  readFailure: number;
  readSlow: number;
  staleRead: number;
}

export const CALM_KV: KvWeather = {
  propagationMillisecondsMax: 10_000,
  ...{ writeLost: 0, writeLate: 0, writeTwice: 0, writeTorn: 0 },
  ...{ readFailure: 0, readSlow: 0, staleRead: 0 },
};

interface Version {
  readonly value: Value | undefined;
  readonly writtenAt: number;
  /** When each location begins to see it. */
  readonly visibleAt: readonly number[];
  /** `expirationTtl`: from then on there is nothing. */
  readonly expiresAt: number;
}

/** Longer than any writer or reader waits. */
const LATE_MILLISECONDS = 12_000;
const LATE_MILLISECONDS_MAX = 60_000;
/** By then every location has seen a write, and none goes back behind it. */
const SETTLED_MILLISECONDS = 180_000;
/** What a read without a `cacheTtl` takes (KV's own default). */
const CACHE_SECONDS_DEFAULT = 60;

export class KvOutage extends Error {
  override name = 'KvOutage';
}

export interface KvParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly locations: number;
  readonly weather: KvWeather;
}

/** As much of `KVNamespace` as the shipped code uses. */
export interface KvNamespaceStandIn {
  get(
    name: string,
    options: 'text' | 'arrayBuffer' | { readonly type: string; readonly cacheTtl?: number },
  ): Promise<unknown>;
  put(name: string, value: Value, options?: { readonly expirationTtl?: number }): Promise<void>;
}

export class KvStandIn {
  readonly #parts: KvParts;
  readonly #versions = new Map<string, Version[]>();
  readonly #confirmed = new Map<string, Value>();
  readonly #missedAt = new Map<string, number>();

  constructor(parts: KvParts) {
    this.#parts = parts;
  }

  /** The namespace as it is seen from one location. */
  namespaceAt(location: number): KvNamespaceStandIn {
    return {
      get: async (name, options) => {
        const { type, cacheTtl = CACHE_SECONDS_DEFAULT } =
          typeof options === 'string' ? { type: options } : options;
        const value = await this.#get(location, { name, cacheSeconds: cacheTtl });
        if (value === undefined) return null;
        return type === 'text' ? textOf(value) : bytesOf(value).buffer;
      },
      put: (name, value, options) => this.#put(name, value, options?.expirationTtl),
    };
  }

  /** A write that succeeds: the honest one when it arrives, or somebody else's. */
  plant(name: string, value: Value | undefined, ttlSeconds = Number.POSITIVE_INFINITY): void {
    const { world, random, locations, weather } = this.#parts;
    const visibleAt = Array.from(
      { length: locations },
      () => world.now + random.integer(0, weather.propagationMillisecondsMax),
    );
    const versions = this.#versions.get(name) ?? [];
    versions.push({
      value,
      visibleAt,
      writtenAt: world.now,
      expiresAt: world.now + ttlSeconds * 1000,
    });
    this.#versions.set(name, versions);
  }

  /** Every value ever written under `name`, oldest first; what an attacker may have kept. */
  history(name: string): Value[] {
    const versions = this.#versions.get(name) ?? [];
    return versions.flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  /** What was last written under `name` by somebody who heard that it was. */
  confirmed(name: string): Value | undefined {
    return this.#confirmed.get(name);
  }

  names(): string[] {
    return [...this.#versions.keys()];
  }

  async #put(name: string, value: Value, ttlSeconds: number | undefined): Promise<void> {
    const { world, random, weather, story } = this.#parts;
    const plant = (planted: Value) => this.plant(name, planted, ttlSeconds);
    const later = (planted: Value, note: string) =>
      world.after(random.integer(LATE_MILLISECONDS, LATE_MILLISECONDS_MAX), () => {
        story.tell('kv', `${note} ${name}`);
        plant(planted);
      });
    if (random.chance(weather.writeLost)) {
      await world.sleep(random.integer(5, 500));
      story.tell('kv', `loses ${name}`);
      throw new KvOutage();
    }
    if (random.chance(weather.writeLate)) {
      later(value, 'late');
      await world.sleep(LATE_MILLISECONDS);
      throw new KvOutage();
    }
    await world.sleep(random.integer(5, 300));
    if (random.chance(weather.writeTorn)) {
      story.tell('kv', `tears ${name}`);
      plant(torn(value, random));
      throw new KvOutage();
    }
    plant(value);
    this.#confirmed.set(name, value);
    if (random.chance(weather.writeTwice)) later(value, 'again');
  }

  async #get(location: number, read: Read): Promise<Value | undefined> {
    const { world, random, weather } = this.#parts;
    if (random.chance(weather.readFailure)) {
      await world.sleep(random.integer(5, 500));
      throw new KvOutage();
    }
    const isSlow = random.chance(weather.readSlow);
    await world.sleep(isSlow ? LATE_MILLISECONDS : random.integer(2, 80));
    return this.#see(location, read);
  }

  /** A location that found nothing says so again for as long as the reader lets it. */
  #see(location: number, { name, cacheSeconds }: Read): Value | undefined {
    const { now } = this.#parts.world;
    const cacheName = `${location} ${name}`;
    const missedAt = this.#missedAt.get(cacheName) ?? Number.NEGATIVE_INFINITY;
    if (now - missedAt < cacheSeconds * 1000) return undefined;
    const value = this.#current(location, name);
    if (value === undefined) this.#missedAt.set(cacheName, now);
    else this.#missedAt.delete(cacheName);
    return value;
  }

  /**
   * What became visible last, whatever was written last: locations may go back. In the end the last
   * write wins everywhere.
   */
  #current(location: number, name: string): Value | undefined {
    const { world, random, weather } = this.#parts;
    const versions = this.#versions.get(name) ?? [];
    const settled = versions.findLastIndex(
      ({ writtenAt }) => writtenAt + SETTLED_MILLISECONDS <= world.now,
    );
    const visible = versions
      .slice(Math.max(0, settled))
      .filter(({ visibleAt }) => (visibleAt[location] ?? 0) <= world.now)
      .sort((a, b) => (a.visibleAt[location] ?? 0) - (b.visibleAt[location] ?? 0));
    const isStale = visible.length > 1 && random.chance(weather.staleRead);
    const back = isStale ? random.integer(2, Math.min(4, visible.length)) : 1;
    const version = visible.at(-back);
    return version === undefined || version.expiresAt <= world.now ? undefined : version.value;
  }
}

interface Read {
  readonly name: string;
  readonly cacheSeconds: number;
}

/** The beginning of a value alone. */
function torn(value: Value, random: Random): Value {
  return value.slice(0, random.integer(0, Math.max(0, value.length - 1)));
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : new TextDecoder().decode(value);
}

function bytesOf(value: Value): Uint8Array<ArrayBuffer> {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value.slice();
}
