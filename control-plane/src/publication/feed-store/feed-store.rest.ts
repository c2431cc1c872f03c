/**
 * The feed in Workers KV over Cloudflare's REST API, for a control plane that runs on Node. Writes go
 * through the bulk endpoint, whose answer names what was not written. One call is one attempt: when to
 * try again is the publisher's to decide, but never before the API wants to hear from us.
 */

import { HEAD_OBJECT, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { FEED_ENTRIES_MAX, FEED_HEAD_BYTES_MAX } from '@cardea/shared/limits';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Secret } from '../../secret.ts';
import { type FeedStore, KEYSET_TTL_SECONDS } from './feed-store.ts';

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
const ENTRY_BYTES = 12;

export function createRestFeedStore(parts: RestFeedStoreParts): FeedStore {
  const call = createCaller(parts);
  const read = async (key: string, bytesMax: number) => {
    const answer = await call({ method: 'GET', path: `/values/${encodeURIComponent(key)}` });
    return answer.status === 404 ? undefined : readBody(answer, bytesMax);
  };
  const write = async (body: string | Uint8Array<ArrayBuffer>) => {
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
      write(pairOf({ key: keysetObject(hash), value: text, expiration_ttl: KEYSET_TTL_SECONDS })),
    writeSegment: (hash, content, { ttlSeconds }) =>
      write(binaryPairOf({ key: segmentObject(hash), expiration_ttl: ttlSeconds }, content)),
    // The head never expires: an edge that finds an old one says how old.
    writeHead: (compactJws) => write(pairOf({ key: HEAD_OBJECT, value: compactJws })),
  };
}

/** The body of a bulk write, of one pair. */
function pairOf(pair: object): string {
  return JSON.stringify([pair]);
}

/** What follows the value in {@link pairOf} one whose last member it is. */
const END = '"}]';
/** A multiple of 3: base64 of such portions is base64 of the whole. */
const PORTION_BYTES = 6144;

/**
 * {@link pairOf} one whose value is `content`, in base64 (RFC 4648 §4). In bytes from the beginning: of two
 * megabytes no text is made, which would stay until everything is collected.
 */
function binaryPairOf(pair: object, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const empty = pairOf({ ...pair, base64: true, value: '' });
  const start = encoder.encode(empty.slice(0, -END.length));
  const body = new Uint8Array(start.length + Math.ceil(content.length / 3) * 4 + END.length);
  body.set(start);
  let length = start.length;
  const append = (text: string) => {
    length += encoder.encodeInto(text, body.subarray(length)).written;
  };
  for (let at = 0; at < content.length; at += PORTION_BYTES) {
    append(btoa(String.fromCharCode(...content.subarray(at, at + PORTION_BYTES))));
  }
  append(END);
  return body;
}

interface Call {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** Answers are 200, or 404 to a GET; everything else is thrown. */
function createCaller(parts: RestFeedStoreParts): (call: Call) => Promise<Response> {
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
      headers: { Authorization: `Bearer ${token.reveal()}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body }),
      redirect: 'error', // The token goes nowhere else.
      signal: AbortSignal.timeout(parts.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS),
    });
    if (answer.status === 200 || (method === 'GET' && answer.status === 404)) return answer;
    await answer.body?.cancel();
    if (answer.status === 429)
      pausedUntil = clock.now() + pauseMilliseconds(answer, parts.random());
    log('error', 'kv_rest_failed', { method, status: answer.status });
    throw new KvRestFailed();
  };
}

/** Whatever `fetch` throws may quote the request: it is replaced. */
async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch {
    throw new KvRestFailed();
  }
}

/** RFC 9110 §10.2.3, the form in seconds. Up to half as much again, so that not all return at once. */
function pauseMilliseconds(answer: Response, random: number): number {
  const text = answer.headers.get('retry-after') ?? '';
  const asked = /^\d{1,6}$/.test(text) ? Number(text) : PAUSE_SECONDS_DEFAULT;
  const seconds = Math.min(Math.max(asked, 1), PAUSE_SECONDS_MAX);
  return seconds * 1000 * (1 + random / 2);
}

/** A body that is cut off, or longer than anything of ours, is a failure. */
async function readBody(answer: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of answer.body ?? []) {
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
