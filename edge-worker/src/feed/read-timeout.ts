/** Every read of the feed settles in time: a request may be waiting for it. */

import { FeedUnreadable } from './feed-source.ts';
import { READ_TIMEOUT_MILLISECONDS } from './limits.ts';

/** What `read` gives; throws {@link FeedUnreadable} if it fails or takes longer than a read may. */
export async function withinTimeout<T>(read: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    const giveUp = () => {
      reject(new FeedUnreadable('read_timeout'));
      controller.abort();
    };
    timer = setTimeout(giveUp, READ_TIMEOUT_MILLISECONDS);
  });
  try {
    return await Promise.race([read(controller.signal), timeout]);
  } catch (error) {
    if (error instanceof FeedUnreadable) throw error;
    // Plain `Error`s of the runtime: whatever a store or a connection throws, there is no answer.
    throw new FeedUnreadable('read_failed', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
