/**
 * What edges were last seen at, as they say it themselves when they ask for the head. Anybody may say
 * anything: it is shown to operators, and nothing else rests on it. Gathered in memory and written every
 * few seconds, so that asking for the head costs no write.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';

export interface EdgeSighting {
  /** Its `EDGE_NAME`: all isolates of one edge worker share it. */
  readonly edge: string;
  /** Of the head that it held; of several isolates the lowest that was seen within a few seconds. */
  readonly seq: number;
  readonly seenAt: UnixMilliseconds;
}

/** The port. Rejects when the storage cannot be reached. */
export interface EdgeSightingStore {
  /** Keeps the later sighting of each edge, and the {@link SIGHTINGS_MAX} newest of all. */
  note(sightings: readonly EdgeSighting[]): Promise<void>;
  /** Newest first. */
  list(): Promise<readonly EdgeSighting[]>;
}

export interface EdgeSightings {
  /** Of a request for the head: the header `Cardea-Edge`, if there is one. */
  seen(header: string | null): void;
  list(): Promise<readonly EdgeSighting[]>;
}

export interface SightingParts {
  readonly store: EdgeSightingStore;
  /** Takes work that goes on after the answer. */
  readonly inBackground: (work: Promise<void>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Edges that are remembered. Who invents names displaces what has not been seen for longer. */
export const SIGHTINGS_MAX = 1000;
/** Names gathered between two writes. */
const GATHERED_MAX = 200;
const WRITE_INTERVAL_MILLISECONDS = 10_000;
const WRITE_MILLISECONDS_MAX = 2000;

const HEADER = /^([A-Za-z0-9._-]{1,64}); seq=(\d{1,15})$/;

export function createEdgeSightings(parts: SightingParts): EdgeSightings {
  const { clock, inBackground, log, store } = parts;
  // Plain data of this process or isolate.
  const gathered = new Map<string, EdgeSighting>();
  let writeFrom = 0;

  const write = async () => {
    const sightings = [...gathered.values()];
    gathered.clear();
    try {
      await within(WRITE_MILLISECONDS_MAX, store.note(sightings));
    } catch (error) {
      // They come again: nothing is lost but a line on an operator's screen.
      const name = error instanceof Error ? error.name : 'unknown';
      log('error', 'edge_sightings_not_written', { error: name, count: sightings.length });
    }
  };

  return {
    seen(header) {
      const [, edge = '', seqText = ''] = HEADER.exec(header ?? '') ?? [];
      if (edge === '') return;
      const known = gathered.get(edge);
      if (known === undefined && gathered.size >= GATHERED_MAX) return;
      const seenAt = clock.now();
      const seq = Math.min(Number(seqText), known?.seq ?? Number.POSITIVE_INFINITY);
      gathered.set(edge, { edge, seq, seenAt });
      if (seenAt < writeFrom) return;
      writeFrom = seenAt + WRITE_INTERVAL_MILLISECONDS;
      inBackground(write());
    },
    list: () => store.list(),
  };
}
