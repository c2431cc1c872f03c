/** The feed in Workers KV. Every read settles within two seconds. */

import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import type { FeedSource } from './feed-source.ts';
import {
  HEAD_CACHE_SECONDS,
  MISSING_OBJECT_CACHE_SECONDS,
  OBJECT_CACHE_SECONDS,
} from './limits.ts';
import { withinTimeout } from './read-timeout.ts';

export function createKvFeedSource(namespace: KVNamespace): FeedSource {
  return {
    readHead: () => withinTimeout(() => readHead(namespace)),
    readObject: (name) => withinTimeout(() => readObject(namespace, name)),
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
