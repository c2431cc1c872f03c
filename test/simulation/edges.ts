/** The edges of a run: locations with a clock each, isolates that come and go, clients that ask. */

import { type Answer, Isolate, type IsolateParts, type Route } from './isolate.ts';
import type { KvStandIn } from './kv-stand-in.ts';
import type { Random } from './random.ts';
import { clockOffset, type Setting } from './setting.ts';
import type { Tally } from './tally.ts';
import type { Token } from './token.ts';
import type { World } from './world.ts';

export interface EdgesParts
  extends Omit<IsolateParts, 'name' | 'namespace' | 'clockOffset' | 'fetchFeed'> {
  readonly world: World;
  readonly random: Random;
  readonly setting: Setting;
  readonly kv: KvStandIn;
  readonly tally: Tally;
  readonly fetchFeed: NonNullable<IsolateParts['fetchFeed']>;
  /** What clients hold, the newest last; at least one. */
  readonly tokens: () => readonly Token[];
}

const BURST_MILLISECONDS = [500, 15_000] as const;
/** Half of the requests come with one of so many of the newest tokens. */
const NEWEST = 6;

const ROUTES_ASKED = ['closed', 'closed', 'closed', 'open', 'strict'] as const;

export class Edges {
  readonly isolates: Isolate[] = [];
  isActive = true;
  readonly #parts: EdgesParts;
  readonly #offsets: readonly number[];
  #started = 0;

  constructor(parts: EdgesParts) {
    this.#parts = parts;
    const { random, setting } = parts;
    this.#offsets = Array.from({ length: setting.locations }, () => clockOffset(random, setting));
    for (let place = 0; place < setting.locations * setting.isolatesPerLocation; place++) {
      this.isolates.push(this.#startIsolate(place));
    }
  }

  start(): void {
    const { world, random, setting } = this.#parts;
    for (const place of this.isolates.keys()) {
      world.every(
        () => setting.pace * random.integer(...BURST_MILLISECONDS),
        () => this.#burst(place),
      );
    }
  }

  /** Asks every isolate for the token, once. */
  askAll(token: Token, route: Route): Promise<Answer[]> {
    return Promise.all(this.isolates.map((isolate) => isolate.ask(token, route)));
  }

  #startIsolate(place: number): Isolate {
    const { kv, setting } = this.#parts;
    const location = place % setting.locations;
    const { fetchFeed, ...parts } = this.#parts;
    // The last location has KV alone, in every run.
    const asksPublisher =
      setting.laneBHardSeconds !== undefined && location < setting.locations - 1;
    return new Isolate({
      ...parts,
      ...(asksPublisher ? { fetchFeed } : {}),
      name: `edge ${location}.${++this.#started}`,
      namespace: kv.namespaceAt(location),
      clockOffset: this.#offsets[location] ?? 0,
    });
  }

  #burst(place: number): void {
    const { random, tally, story } = this.#parts;
    if (!this.isActive) return;
    if (random.chance(0.02)) {
      tally.count('isolate restarts');
      story.tell('edges', `an isolate ends at ${place % this.#parts.setting.locations}`);
      this.isolates[place] = this.#startIsolate(place);
    }
    for (let requests = random.integer(1, 3); requests > 0; requests--) void this.#ask(place);
  }

  async #ask(place: number): Promise<void> {
    const { random, tally, tokens } = this.#parts;
    const held = tokens();
    const first = random.chance(0.5) ? Math.max(0, held.length - NEWEST) : 0;
    const token = held[random.integer(first, held.length - 1)];
    const route = random.pick(ROUTES_ASKED);
    if (token !== undefined) tally.count((await this.isolates[place]?.ask(token, route)) ?? 'none');
  }
}
