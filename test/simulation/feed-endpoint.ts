/**
 * Lane B of a run: the shipped routes of the feed, over a network that loses and delays. Heads that are
 * stamped for whoever asks are shown to the ledger before anybody gets them.
 */

import type { Deps } from '@cardea/control-plane/deps';
import type { FeedReader } from '@cardea/control-plane/publication/feed-reader';
import { feedHeadRoute } from '@cardea/control-plane/routes/feed/head';
import { feedKeysetRoute } from '@cardea/control-plane/routes/feed/keyset';
import { feedSegmentRoute } from '@cardea/control-plane/routes/feed/segment';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { TENANT } from './setting.ts';
import { unverifiedHead } from './unverified-head.ts';
import type { World } from './world.ts';

/** Whoever answers for the feed, and what its clock is off by, milliseconds. */
export interface Answering {
  readonly feed: FeedReader;
  readonly clockOffset: number;
}

export interface FeedEndpointParts {
  readonly world: World;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly faults: Faults;
  /** The process that this request reaches; none if it is down. */
  readonly answering: () => Answering | undefined;
}

/** Longer than any edge waits. */
const SLOW_MILLISECONDS = 5_000;

export class FeedEndpoint {
  isUp = true;
  readonly #parts: FeedEndpointParts;

  constructor(parts: FeedEndpointParts) {
    this.#parts = parts;
  }

  /** As edges call it: rejects if there is no answer. */
  async fetch(url: string, init: RequestInit): Promise<Response> {
    const { world, random, faults, answering } = this.#parts;
    const isSlow = random.chance(faults.network.slow);
    await world.sleep(isSlow ? SLOW_MILLISECONDS : random.integer(1, 40));
    const answers = answering();
    const isLost = random.chance(faults.network.lost);
    if (!this.isUp || answers === undefined || isLost) throw new TypeError('fetch failed');
    const response = await this.#handle(answers, new Request(url, { headers: init.headers ?? {} }));
    await world.sleep(random.integer(1, 40));
    return response;
  }

  async #handle({ feed, clockOffset }: Answering, raw: Request): Promise<Response> {
    const watched = { ...feed, head: () => this.#head(feed, clockOffset) };
    const used = { feed: watched, edgeSightings: { seen: () => undefined } };
    const deps: Deps = used satisfies { [Name in keyof Deps]?: unknown } as never;
    const [, kind = '', hash = ''] = /\/feed\/v1\/([a-z]+)\/?([0-9a-f]*)$/.exec(raw.url) ?? [];
    const routes = { head: feedHeadRoute, keyset: feedKeysetRoute, segment: feedSegmentRoute };
    if (!Object.hasOwn(routes, kind)) return new Response(null, { status: 404 });
    const route = routes[kind as keyof typeof routes](deps);
    const caller = { kind: 'system', id: '', requestId: '' } as const;
    const query = new URLSearchParams();
    return route.handle({ raw, params: { hash }, query, caller, requestId: '', tenant: TENANT });
  }

  async #head(feed: FeedReader, clockOffset: number) {
    const served = await feed.head();
    const head = served === undefined ? undefined : unverifiedHead(served.compactJws);
    if (head !== undefined) this.#parts.ledger.headSigned(head, clockOffset);
    return served;
  }
}
