/** The hub as routes use it: bounded waiting, and an unreachable hub is `undefined`. */

import type { Log } from '../log.ts';
import { within } from '../within.ts';
import type { HeadAnswer, HubApi } from './hub-api.ts';

export interface FeedReader {
  head(ifNoneMatch: string | null): Promise<HeadAnswer | undefined>;
  /** `text` is `null` if there is no such object. */
  keyset(hash: string): Promise<{ readonly text: string | null } | undefined>;
  /** Has the publisher look at the database now. A publisher that cannot be told looks later. */
  wake(): Promise<void>;
}

const HUB_MILLISECONDS_MAX = 2000;

export function createFeedReader(hub: HubApi, log: Log): FeedReader {
  const ask = async <T>(question: Promise<T>): Promise<T | undefined> => {
    try {
      return await within(HUB_MILLISECONDS_MAX, question);
    } catch (error) {
      log('error', 'hub_unreachable', { error: error instanceof Error ? error.name : 'unknown' });
      return undefined;
    }
  };
  return {
    head: (ifNoneMatch) => ask(hub.head(ifNoneMatch)),
    keyset: (hash) => ask(hub.keyset(hash).then((text) => ({ text }))),
    wake: async () => {
      await ask(hub.poke({ soon: true }));
    },
  };
}
