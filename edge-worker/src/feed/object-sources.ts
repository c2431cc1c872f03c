/** Objects of the feed, wherever they are to be had: their names prove them, so it does not matter where. */

import { type FeedSource, FeedUnreadable } from './feed-source.ts';

type ObjectSource = Pick<FeedSource, 'readObject'>;

/**
 * Heads of `heads`, objects of the first of `objects` that has them. Throws {@link FeedUnreadable} if
 * one of them could not be read and no other has the object.
 */
export function withObjectsOf(heads: FeedSource, objects: readonly ObjectSource[]): FeedSource {
  return {
    readHead: (heldSeq) => heads.readHead(heldSeq),
    readObject: async (name) => {
      let outage: FeedUnreadable | undefined;
      for (const source of objects) {
        try {
          const bytes = await source.readObject(name);
          if (bytes !== undefined) return bytes;
        } catch (error) {
          // An outage of one of them is what the others are there for.
          if (!(error instanceof FeedUnreadable)) throw error;
          outage ??= error;
        }
      }
      if (outage !== undefined) throw outage;
      return undefined;
    },
  };
}
