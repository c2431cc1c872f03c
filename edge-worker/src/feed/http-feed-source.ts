/**
 * The feed from the publisher itself (docs/feed.md, lane B): over a service binding or a URL. What is no
 * answer of a control plane is an outage: where a bound worker is gone, plain text comes in its place.
 */

import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import {
  FEED_ENTRIES_MAX,
  FEED_HEAD_BYTES_MAX,
  FEED_KEYSET_BYTES_MAX,
} from '@cardea/shared/limits';
import { readBody } from './bounded-body.ts';
import { type FeedSource, FeedUnreadable } from './feed-source.ts';
import { withinTimeout } from './read-timeout.ts';

export interface HttpFeedOptions {
  /** Where the control plane answers, without a final slash. */
  readonly baseUrl: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** By which the control plane knows who asks. */
  readonly edgeName?: string | undefined;
}

/** Names of objects are those in KV; the publisher has them under `/feed/`. */
const PATH_PREFIX = '/feed/';
const HEAD_TYPE = 'application/jose';
const OBJECT_TYPES = [
  { names: /^v1\/keyset\//, mediaType: 'application/json', bytesMax: FEED_KEYSET_BYTES_MAX },
  {
    ...{ names: /^v1\/segment\//, mediaType: 'application/octet-stream' },
    bytesMax: FEED_ENTRIES_MAX * ENTRY_BYTES,
  },
] as const;

/** The last head and the tag that the publisher knows it by: asked again, it may say "the same". */
interface TaggedHead {
  readonly etag: string;
  readonly text: string;
}

export function createHttpFeedSource(options: HttpFeedOptions): FeedSource {
  let last: TaggedHead | undefined;
  return {
    readHead: (heldSeq) =>
      withinTimeout(async (signal) => {
        const headers = headHeaders(options.edgeName, heldSeq, last);
        const response = await ask(options, HEAD_OBJECT, { headers, signal });
        if (response.status === 304 && last !== undefined) return last.text;
        expectType(response, HEAD_TYPE);
        const text = new TextDecoder().decode(await readBody(response, FEED_HEAD_BYTES_MAX));
        const etag = response.headers.get('etag');
        last = etag === null ? undefined : { etag, text };
        return text;
      }),
    readObject: (name) =>
      withinTimeout(async (signal) => {
        const type = OBJECT_TYPES.find(({ names }) => names.test(name));
        if (type === undefined) return undefined;
        const response = await ask(options, name, { signal });
        if (response.status === 404 && isProblem(response)) return undefined;
        expectType(response, type.mediaType);
        return readBody(response, type.bytesMax);
      }),
  };
}

function ask(
  { baseUrl, fetch }: HttpFeedOptions,
  name: string,
  init: RequestInit,
): Promise<Response> {
  return fetch(`${baseUrl}${PATH_PREFIX}${name}`, { ...init, redirect: 'manual' });
}

function headHeaders(
  edgeName: string | undefined,
  heldSeq: number | undefined,
  last: TaggedHead | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { accept: HEAD_TYPE };
  if (last !== undefined) headers['if-none-match'] = last.etag;
  if (edgeName !== undefined) {
    headers['cardea-edge'] = heldSeq === undefined ? edgeName : `${edgeName}; seq=${heldSeq}`;
  }
  return headers;
}

/** A control plane that knows no such object says so in its own form (RFC 9457, or protojson). */
function isProblem(response: Response): boolean {
  return /^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
}

function expectType(response: Response, mediaType: string): void {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (response.status !== 200 || type !== mediaType) throw new FeedUnreadable('read_unexpected');
}
