/** The feed in Workers KV. Every read settles within two seconds. */

import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { type FeedSource, FeedUnreadable } from './feed-source.ts';
import {
  HEAD_CACHE_SECONDS,
  MISSING_OBJECT_CACHE_SECONDS,
  OBJECT_CACHE_SECONDS,
  READ_TIMEOUT_MILLISECONDS,
} from './limits.ts';

export function createKvFeedSource(namespace: KVNamespace): FeedSource {
  return {
    readHead: () => withinTimeout(readHead(namespace)),
    readObject: (name) => withinTimeout(readObject(namespace, name)),
  };
}

async function readHead(namespace: KVNamespace): Promise<string | undefined> {
  const text = await namespace.get(HEAD_OBJECT, { type: 'text', cacheTtl: HEAD_CACHE_SECONDS });
  return text ?? undefined;
}

async function readObject(namespace: KVNamespace, name: string): Promise<ArrayBuffer | undefined> {
  const read = (cacheTtl: number) => namespace.get(name, { type: 'arrayBuffer', cacheTtl });
  // A location that has cached a miss would repeat it for a day; asking again with a short time to
  // live makes it look for newer data.
  const bytes = (await read(OBJECT_CACHE_SECONDS)) ?? (await read(MISSING_OBJECT_CACHE_SECONDS));
  return bytes ?? undefined;
}

async function withinTimeout<T>(read: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new FeedUnreadable('read_timeout'));
    timer = setTimeout(giveUp, READ_TIMEOUT_MILLISECONDS);
  });
  try {
    return await Promise.race([read, timeout]);
  } catch (error) {
    if (error instanceof FeedUnreadable) throw error;
    // KV's errors are plain `Error`s: whatever it throws means that there is no answer.
    throw new FeedUnreadable('read_failed', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
