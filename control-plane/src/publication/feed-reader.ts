/**
 * The feed for whoever asks over HTTP. Anybody may, and there is one hub: so each isolate asks it at
 * most once a second, and nobody can make it busier than that.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import type { HubApi, ServedHead } from './hub-api.ts';

export interface FeedReader {
  /** `undefined` if nothing has been published, or if the hub cannot be reached. */
  head(): Promise<ServedHead | undefined>;
  /** The keyset that the present head names; `null` for any other hash. */
  keyset(hash: string): Promise<string | null | undefined>;
  /** Has the publisher look at the database now. A publisher that cannot be told looks later. */
  wake(): Promise<void>;
}

export interface FeedReaderParts {
  readonly hub: Pick<HubApi, 'head' | 'keyset' | 'poke'>;
  readonly clock: Clock;
  readonly log: Log;
}

const HUB_MILLISECONDS_MAX = 2000;
const HEAD_MILLISECONDS_MAX = 1000;

export function createFeedReader({ hub, clock, log }: FeedReaderParts): FeedReader {
  // Texts, not promises: nothing here may outlive the request that asked for it.
  let knownHead: { readonly head: ServedHead; readonly readAt: UnixMilliseconds } | undefined;
  let knownKeyset: { readonly hash: string; readonly text: string } | undefined;

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

  return {
    head,
    async keyset(hash) {
      const present = await head();
      if (present === undefined) return undefined;
      if (present.keysetHash !== hash) return null;
      if (knownKeyset?.hash === hash) return knownKeyset.text;
      const text = await ask(hub.keyset(hash));
      if (typeof text === 'string') knownKeyset = { hash, text };
      return text;
    },
    async wake() {
      await ask(hub.poke({ soon: true }));
    },
  };
}
