/**
 * Guarantee: an answer is taken for the feed only if it is one. Whatever else comes back from a URL or a
 * service binding is an outage, and never a head, an object or a miss.
 */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { FeedUnreadable } from './feed-source.ts';
import { createHttpFeedSource } from './http-feed-source.ts';

const JOSE = { 'content-type': 'application/jose', etag: '"1"' };
const BINARY = { 'content-type': 'application/octet-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const HASH = 'a'.repeat(64);

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: RequestRedirect | undefined;
}

/** A source over scripted answers, and what it sent. */
function sourceOver(...answers: ReadonlyArray<Response | Error | 'never'>) {
  const sent: Sent[] = [];
  const queue = [...answers];
  const source = createHttpFeedSource({
    baseUrl: 'https://keys.test/base',
    edgeName: 'edge-1',
    fetch: async (url, { headers, redirect }) => {
      sent.push({ url, headers: new Headers(headers), redirect });
      const answer = queue.shift() ?? new Error('nothing is left to be answered');
      if (answer === 'never') return new Promise<never>(() => undefined);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { source, sent };
}

const textOf = (bytes: ArrayBuffer | undefined) => new TextDecoder().decode(bytes);

describe('the head', () => {
  test('is asked for by name, with the seq that is held, and follows no redirect', async () => {
    const { source, sent } = sourceOver(new Response('head', { headers: JOSE }));
    expect(await source.readHead(17)).toBe('head');
    expect(sent[0]).toMatchObject({
      ...{ url: 'https://keys.test/base/feed/v1/head', redirect: 'manual' },
    });
    expect([...(sent[0]?.headers ?? [])]).toEqual([
      ['accept', 'application/jose'],
      ['cardea-edge', 'edge-1; seq=17'],
    ]);
  });

  test('is remembered by its tag, and the same text stands for 304', async () => {
    const { source, sent } = sourceOver(
      new Response('head', { headers: JOSE }),
      new Response(null, { status: 304 }),
      new Response('next', { headers: { ...JOSE, etag: '"2"' } }),
      new Response(null, { status: 304 }),
    );
    const read = async () => source.readHead();
    expect([await read(), await read(), await read(), await read()]).toEqual([
      ...['head', 'head', 'next', 'next'],
    ]);
    expect(sent.map(({ headers }) => headers.get('if-none-match'))).toEqual([
      ...[null, '"1"', '"1"', '"2"'],
    ]);
    expect(sent[0]?.headers.get('cardea-edge')).toBe('edge-1');
  });

  test.each<[string, Response]>([
    ['plain text of a runtime whose worker is gone', new Response('Worker "x" not found.')],
    ['HTML', new Response('<h1>', { headers: { 'content-type': 'text/html' } })],
    [
      'a type that only begins alike',
      new Response('x', { headers: { 'content-type': 'application/jose+json' } }),
    ],
    ['304 without having been told a tag', new Response(null, { status: 304 })],
    ['no content', new Response(null, { status: 204, headers: JOSE })],
    ['a redirect', new Response(null, { status: 302, headers: { location: 'https://evil.test' } })],
    ['404', new Response('x', { status: 404, headers: JOSE })],
    ['503 of the control plane', new Response('{}', { status: 503, headers: JSON_TYPE })],
    [
      'a body that is announced as too large',
      new Response('x', { headers: { ...JOSE, 'content-length': '8388609' } }),
    ],
    ['a length that is none', new Response('x', { headers: { ...JOSE, 'content-length': 'x' } })],
  ])('%s is an outage', async (_, answer) => {
    const { source } = sourceOver(answer);
    await expect(source.readHead()).rejects.toEqual(new FeedUnreadable('read_unexpected'));
  });

  test('a body that turns out too large is an outage', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    let sent = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        if (sent++ < 20) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const { source } = sourceOver(new Response(body, { headers: JOSE }));
    await expect(source.readHead()).rejects.toEqual(new FeedUnreadable('read_unexpected'));
    expect(sent).toBeLessThan(12);
  });

  test('no connection is an outage', async () => {
    const { source } = sourceOver(new TypeError('connect ECONNREFUSED'));
    await expect(source.readHead()).rejects.toEqual(new FeedUnreadable('read_failed'));
  });

  describe('with a clock of its own', () => {
    afterEach(() => vi.useRealTimers());

    test('an answer that never comes is an outage after two seconds', async () => {
      vi.useFakeTimers();
      const { source } = sourceOver('never');
      const read = expect(source.readHead()).rejects.toEqual(new FeedUnreadable('read_timeout'));
      await vi.advanceTimersByTimeAsync(2000);
      await read;
    });
  });
});

describe('an object', () => {
  test.each([
    [`v1/keyset/${HASH}`, JSON_TYPE],
    [`v1/segment/${HASH}`, BINARY],
  ])('%s is read', async (name, headers) => {
    const { source, sent } = sourceOver(new Response('content', { headers }));
    expect(textOf(await source.readObject(name))).toBe('content');
    expect(sent[0]?.url).toBe(`https://keys.test/base/feed/${name}`);
  });

  test('that the control plane does not have is missing', async () => {
    const problem = { 'content-type': 'application/problem+json' };
    for (const headers of [problem, JSON_TYPE]) {
      const { source } = sourceOver(new Response('{}', { status: 404, headers }));
      expect(await source.readObject(`v1/segment/${HASH}`)).toBeUndefined();
    }
  });

  test.each<[string, Response]>([
    ['404 of somebody else', new Response('not found', { status: 404 })],
    ['another type', new Response('x', { headers: JSON_TYPE })],
    ['503', new Response('{}', { status: 503, headers: JSON_TYPE })],
    ['too large', new Response('x', { headers: { ...BINARY, 'content-length': '24000001' } })],
  ])('%s is an outage, not a miss', async (_, answer) => {
    const { source } = sourceOver(answer);
    const read = source.readObject(`v1/segment/${HASH}`);
    await expect(read).rejects.toEqual(new FeedUnreadable('read_unexpected'));
  });
});
