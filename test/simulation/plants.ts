/**
 * Planted bugs. Each changes one port of the shipped code, or puts a plain edge in the place of the
 * shipped one; each has to be found, which shows that the invariants are really looked at.
 */

import { createEdgeFeed, type EdgeFeedOptions } from '@cardea/edge-worker/feed/create-edge-feed';
import type { EdgeFeed } from '@cardea/edge-worker/feed/edge-feed';
import { createPlainEdge, type EdgeFlaw } from './plain-edge.ts';
import { NO_PUBLISHER_PLANT, PUBLISHER_PLANTS, type PublisherPlant } from './publisher-plants.ts';
import type { Runtime } from './setting.ts';

export interface Plant {
  readonly name: string;
  /** The invariant of docs/feed.md that breaks. */
  readonly invariant: number;
  /** Another one that breaks because of that, and may be seen first. */
  readonly consequence?: number;
  /** What a run must be like for the bug to have its chance. */
  readonly needs?: {
    readonly runtime?: Runtime;
    readonly hasAttacker?: boolean;
    readonly isLong?: boolean;
    readonly hasMasses?: boolean;
    readonly hasLaneB?: boolean;
    readonly isRestoredOften?: boolean;
  };
  readonly publisher: PublisherPlant;
  /** The feed client, in the place of the shipped one. */
  readonly createFeed?: (options: EdgeFeedOptions) => EdgeFeed;
  /** Which lines reach the operator's log. */
  readonly keepsLine?: (line: string) => boolean;
}

export const NO_PLANT: Plant = { name: 'none', invariant: 0, publisher: NO_PUBLISHER_PLANT };

/** A plain edge without a flaw: it keeps the invariants, so what is found in the others is the flaw. */
export const PLAIN_EDGE: Plant = {
  ...{ ...NO_PLANT, name: 'plain_edge', needs: { hasLaneB: false } },
  createFeed: plain('none'),
};

function plain(flaw: EdgeFlaw): (options: EdgeFeedOptions) => EdgeFeed {
  return (options) => createPlainEdge(options, flaw);
}

const EDGE_PLANTS: ReadonlyArray<Omit<Plant, 'publisher'>> = [
  {
    name: 'edge_ignores_the_bound',
    invariant: 1,
    createFeed: (options) => createEdgeFeed({ ...options, hardSeconds: 10 * options.hardSeconds }),
  },
  {
    name: 'edge_trusts_by_time_of_arrival',
    invariant: 1,
    needs: { hasLaneB: false },
    createFeed: plain('trusts_by_time_of_arrival'),
  },
  {
    name: 'edge_forgives_what_is_strict',
    invariant: 1,
    needs: { hasLaneB: true },
    createFeed: lenient,
  },
  {
    name: 'edge_hides_that_it_falls_back',
    invariant: 1,
    needs: { hasLaneB: true },
    keepsLine: (line) => !line.includes('lane_b_away'),
  },
  {
    name: 'edge_is_silent_while_open',
    invariant: 1,
    keepsLine: (line) => !line.includes('open_while_stale'),
  },
  {
    name: 'edge_accepts_a_lower_seq',
    invariant: 3,
    needs: { hasLaneB: false },
    createFeed: plain('accepts_a_lower_seq'),
  },
  {
    name: 'edge_forgets_what_it_held',
    invariant: 3,
    createFeed: forgetful,
  },
  {
    name: 'edge_verifies_no_signature',
    invariant: 5,
    needs: { hasAttacker: true, hasLaneB: false },
    createFeed: plain('verifies_no_signature'),
  },
  {
    name: 'edge_verifies_no_keyset_hash',
    invariant: 5,
    needs: { hasAttacker: true, hasLaneB: false },
    createFeed: plain('verifies_no_keyset_hash'),
  },
  {
    name: 'edge_swaps_in_two_steps',
    invariant: 5,
    needs: { hasLaneB: false },
    createFeed: plain('swaps_in_two_steps'),
  },
];

/** A strict route is one as all others are. */
function lenient(options: EdgeFeedOptions): EdgeFeed {
  const feed = createEdgeFeed(options);
  return {
    ...feed,
    snapshot: (request, stale) => feed.snapshot(request, { ...stale, strict: false }),
  };
}

/** Begins anew every half minute, as if each refresh judged the head by itself alone. */
function forgetful(options: EdgeFeedOptions): EdgeFeed {
  let feed = createEdgeFeed(options);
  let since = options.clock();
  const current = () => {
    if (options.clock() - since > 30_000) {
      since = options.clock();
      feed = createEdgeFeed(options);
    }
    return feed;
  };
  return {
    snapshot: (...question) => current().snapshot(...question),
    refreshForUnknownKey: (...question) => current().refreshForUnknownKey(...question),
    status: (now) => current().status(now),
  };
}

export const PLANTS: readonly Plant[] = [
  ...EDGE_PLANTS.map((plant) => ({ ...plant, publisher: NO_PUBLISHER_PLANT })),
  ...PUBLISHER_PLANTS.map(
    ({ name, invariant, consequence = invariant, needs = {}, ...change }) => ({
      ...{ name, invariant, consequence, needs },
      publisher: { ...NO_PUBLISHER_PLANT, ...change },
    }),
  ),
];
