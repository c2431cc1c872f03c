/**
 * The feed for whoever asks over HTTP. Anybody may, and there is one hub: so each isolate asks it for the
 * head at most once a second and for objects a few times, and nobody can make it busier than that.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import type { HubApi, ServedHead } from './hub/hub-api.ts';
import { KeptObjects } from './kept-objects.ts';

export interface FeedReader {
  /** `undefined` if nothing has been published, or if the hub cannot be reached. */
  head(): Promise<ServedHead | undefined>;
  /**
   * An object that a head names, or did a moment ago; `null` for any other hash; `undefined` if the hub
   * cannot be reached, or is asked too often.
   */
  keyset(hash: string): Promise<string | null | undefined>;
  segment(hash: string): Promise<Uint8Array<ArrayBuffer> | null | undefined>;
  /** Has the publisher look at the database now. A publisher that cannot be told looks later. */
  wake(): Promise<void>;
}

export interface FeedReaderParts {
  readonly hub: Pick<HubApi, 'head' | 'keyset' | 'segment' | 'poke'>;
  readonly clock: Clock;
  readonly log: Log;
}

const HUB_MILLISECONDS_MAX = 2000;
const HEAD_MILLISECONDS_MAX = 1000;
/** Objects asked for within a second by all callers of this isolate: a cold edge reads 33. */
const OBJECTS_A_SECOND_MAX = 40;
/** Bytes of segments kept for the next edge that starts: those of a million entries. */
const SEGMENT_BYTES_KEPT_MAX = 13_000_000;
const KEYSET_BYTES_KEPT_MAX = 2_000_000;

const HASH = /^[0-9a-f]{64}$/;

export function createFeedReader({ hub, clock, log }: FeedReaderParts): FeedReader {
  // Plain data, not promises: nothing here may outlive the request that asked for it.
  let knownHead: { readonly head: ServedHead; readonly readAt: UnixMilliseconds } | undefined;
  const keysets = new KeptObjects<string>(KEYSET_BYTES_KEPT_MAX);
  const segments = new KeptObjects<Uint8Array<ArrayBuffer>>(SEGMENT_BYTES_KEPT_MAX);
  const budget = { second: 0, asked: 0 };

  const ask = async <T>(question: Promise<T>): Promise<T | undefined> => {
    try {
      return await within(HUB_MILLISECONDS_MAX, question);
    } catch (error) {
      log('error', 'hub_unreachable', { error: error instanceof Error ? error.name : 'unknown' });
      return undefined;
    }
  };

  const head = async (): Promise<ServedHead | undefined> => {
    const age = knownHead === undefined ? Number.NaN : clock.now() - knownHead.readAt;
    if (knownHead !== undefined && age >= 0 && age < HEAD_MILLISECONDS_MAX) return knownHead.head;
    const readAt = clock.now();
    const answer = (await ask(hub.head())) ?? undefined;
    if (answer !== undefined) knownHead = { head: answer, readAt };
    return answer;
  };

  const isWithinBudget = (): boolean => {
    const second = Math.floor(clock.now() / 1000);
    if (budget.second !== second) Object.assign(budget, { second, asked: 0 });
    return ++budget.asked <= OBJECTS_A_SECOND_MAX;
  };

  /** Not only what the head names that is known here: another isolate may have told of a later one. */
  const object = async <T extends string | Uint8Array>(
    hash: string,
    kept: KeptObjects<T>,
    question: () => Promise<T | null>,
  ): Promise<T | null | undefined> => {
    if (!HASH.test(hash)) return null;
    const known = kept.get(hash);
    if (known !== undefined) return known;
    if (!isWithinBudget()) return undefined;
    const answer = await ask(question());
    if (answer != null) kept.keep(hash, answer);
    return answer;
  };

  return {
    head,
    keyset: (hash) => object(hash, keysets, () => hub.keyset(hash)),
    segment: (hash) => object(hash, segments, () => hub.segment(hash)),
    async wake() {
      await ask(hub.poke({ soon: true }));
    },
  };
}
