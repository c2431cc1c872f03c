/**
 * The feed in Workers KV over Cloudflare's REST API, for a control plane that runs on Node. Writes go
 * through the bulk endpoint, whose answer names what was not written. One call is one attempt: when to
 * try again is the publisher's to decide, but never before the API wants to hear from us.
 */

import type { IncomingMessage } from 'node:http';
import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { FEED_ENTRIES_MAX, FEED_HEAD_BYTES_MAX } from '@cardea/shared/limits';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Secret } from '../../secret.ts';
import { binaryBody, type PortionedBody, textBody } from './bulk-body.node.ts';
import { type FeedStore, KEYSET_TTL_SECONDS } from './feed-store.ts';
import { type KvRequest, requestKv } from './kv-request.node.ts';

export interface RestFeedStoreParts {
  /** Up to and without `/storage/kv`. No slash at its end. */
  readonly baseUrl: string;
  readonly namespaceId: string;
  /** See {@link FeedStore}. */
  readonly arrivalMilliseconds: number;
  /** May edit this namespace, and nothing else. */
  readonly token: Secret<string>;
  readonly clock: Clock;
  /** A number from 0 to 1: spreads the returns of many processes. */
  readonly random: () => number;
  readonly log: Log;
  /** Milliseconds for one call. */
  readonly timeoutMilliseconds?: number;
}

/** KV did not do what it was asked to; or what it did is not to be known. */
export class KvRestFailed extends Error {
  override readonly name = 'KvRestFailed';
}

/** The API wants no calls for a while, or our own budget is used up: nothing was sent. */
export class KvRestPaused extends Error {
  override readonly name = 'KvRestPaused';
}

/** Below the publisher's own patience with a call. */
const TIMEOUT_MILLISECONDS = 8000;
/**
 * Cloudflare allows 1,200 calls in 5 minutes to everything that uses the account, and then blocks it all
 * for 5 minutes. A head every second is 300.
 */
const CALLS_MAX = 600;
const CALLS_MILLISECONDS = 5 * 60 * 1000;
/** Pause after a 429 that names none, and the longest that is believed. */
const PAUSE_SECONDS_DEFAULT = 60;
const PAUSE_SECONDS_MAX = 10 * 60;
/** An answer to a write: counts, names of keys, errors. */
const ANSWER_BYTES_MAX = 64 * 1024;

export function createRestFeedStore(parts: RestFeedStoreParts): FeedStore {
  const call = createCaller(parts);
  const read = async (key: string, bytesMax: number) => {
    const answer = await call({ method: 'GET', path: `/values/${encodeURIComponent(key)}` });
    if (answer.statusCode !== 404) return readBody(answer, bytesMax);
    answer.destroy();
    return undefined;
  };
  const write = async (body: PortionedBody) => {
    const answer = await call({ method: 'PUT', path: '/bulk', body });
    if (!isWritten(await readBody(answer, ANSWER_BYTES_MAX))) throw new KvRestFailed();
  };
  return {
    arrivalMilliseconds: parts.arrivalMilliseconds,
    async readHead() {
      const bytes = await read(HEAD_OBJECT, FEED_HEAD_BYTES_MAX);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    readSegment: (hash) => read(segmentObject(hash), FEED_ENTRIES_MAX * ENTRY_BYTES),
    writeKeyset: (hash, text) =>
      write(textBody({ key: keysetObject(hash), value: text, expiration_ttl: KEYSET_TTL_SECONDS })),
    writeSegment: (hash, content, { ttlSeconds }) =>
      write(binaryBody({ key: segmentObject(hash), expiration_ttl: ttlSeconds }, content)),
    // The head never expires: an edge that finds an old one says how old.
    writeHead: (compactJws) => write(textBody({ key: HEAD_OBJECT, value: compactJws })),
  };
}

interface Call {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly body?: PortionedBody;
}

/** Answers are 200, or 404 to a GET; everything else is thrown. */
function createCaller(parts: RestFeedStoreParts): (call: Call) => Promise<IncomingMessage> {
  const { baseUrl, clock, log, namespaceId, token } = parts;
  const base = `${baseUrl}/storage/kv/namespaces/${namespaceId}`;
  const startedAt: number[] = [];
  let pausedUntil = 0;

  return async ({ method, path, body }) => {
    const now = clock.now();
    while (startedAt[0] !== undefined && startedAt[0] <= now - CALLS_MILLISECONDS)
      startedAt.shift();
    if (now < pausedUntil || startedAt.length >= CALLS_MAX) throw new KvRestPaused();
    startedAt.push(now);
    const answer = await send(`${base}${path}`, {
      method,
      headers: {
        ...{ Authorization: `Bearer ${token.reveal()}`, 'Content-Type': 'application/json' },
        'User-Agent': 'cardea',
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(parts.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS),
    });
    const { statusCode: status = 0 } = answer;
    if (status === 200 || (method === 'GET' && status === 404)) return answer;
    answer.destroy();
    if (status === 429) pausedUntil = clock.now() + pauseMilliseconds(answer, parts.random());
    log('error', 'kv_rest_failed', { method, status });
    throw new KvRestFailed();
  };
}

/** Whatever the client throws may quote the request: it is replaced. */
async function send(url: string, request: KvRequest): Promise<IncomingMessage> {
  try {
    return await requestKv(url, request);
  } catch {
    throw new KvRestFailed();
  }
}

/** RFC 9110 §10.2.3, the form in seconds. Up to half as much again, so that not all return at once. */
function pauseMilliseconds(answer: IncomingMessage, random: number): number {
  const text = answer.headers['retry-after'] ?? '';
  const asked = /^\d{1,6}$/.test(text) ? Number(text) : PAUSE_SECONDS_DEFAULT;
  const seconds = Math.min(Math.max(asked, 1), PAUSE_SECONDS_MAX);
  return seconds * 1000 * (1 + random / 2);
}

/** A body that is cut off, or longer than anything of ours, is a failure. */
async function readBody(
  answer: IncomingMessage,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > bytesMax) break;
    }
  } catch {
    throw new KvRestFailed();
  }
  if (length > bytesMax) throw new KvRestFailed();
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** Only an answer that says so in full counts: otherwise the same is written once more. */
function isWritten(bytes: Uint8Array): boolean {
  try {
    const { success, result } = JSON.parse(new TextDecoder().decode(bytes));
    return success === true && (result?.unsuccessful_keys ?? []).length === 0;
  } catch {
    return false;
  }
}
