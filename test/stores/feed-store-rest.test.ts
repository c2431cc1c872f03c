/** Guarantee: KV over REST is asked as its API wants to be asked, and nothing but a full answer counts. */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FeedStore } from '@cardea/control-plane/publication/feed-store/feed-store';
import {
  createRestFeedStore,
  type RestFeedStoreParts,
} from '@cardea/control-plane/publication/feed-store/feed-store.rest.node';
import { Secret } from '@cardea/control-plane/secret';
import { unixMilliseconds } from '@cardea/shared/time';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fault, KvRestStandIn } from './kv-rest-stand-in.ts';

const HASH = 'ab'.repeat(32);
const FIVE_MINUTES = 5 * 60 * 1000;

let kv: KvRestStandIn;
let now: number;
let logged: string[];
beforeEach(async () => {
  kv = await new KvRestStandIn().listen();
  now = 1_800_000_000_000;
  logged = [];
});
afterEach(() => kv.close());

function storeOf(change: Partial<RestFeedStoreParts> = {}): FeedStore {
  return createRestFeedStore({
    baseUrl: kv.url,
    namespaceId: KvRestStandIn.namespaceId,
    arrivalMilliseconds: 120_000,
    token: new Secret(kv.token),
    clock: { now: () => unixMilliseconds(now) },
    random: () => 0.5,
    log: (...line) => void logged.push(JSON.stringify(line)),
    timeoutMilliseconds: 300,
    ...change,
  });
}

const nameOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: Error) => error.name,
  );

describe('the feed', () => {
  test('is written in bulk: keysets end some day, the head never', async () => {
    const store = storeOf();
    await store.writeKeyset(HASH, '{"v":1,"iss":"https://ü.example"}');
    await store.writeHead('a.b.c');
    expect(kv.calls.every((call) => call.startsWith('PUT') && call.endsWith('/bulk'))).toBe(true);
    expect(Object.fromEntries(kv.objects)).toEqual({
      [`v1/keyset/${HASH}`]: {
        value: '{"v":1,"iss":"https://ü.example"}',
        ttlSeconds: 30 * 24 * 60 * 60,
      },
      'v1/head': { value: 'a.b.c' },
    });
    expect(await store.readHead()).toBe('a.b.c');
  });

  // Around what is encoded at once.
  test.each([0, 1, 2, 3, 12, 24_575, 24_576, 24_577, 49_164, 1_920_000])(
    'has a segment of %i bytes in base64, of a length that is told before',
    async (length) => {
      const content = Uint8Array.from({ length }, (_, i) => (i * i + i) % 251);
      let sent: IncomingHttpHeaders = {};
      kv.fault = (response, answer) => {
        sent = response.req.headers;
        answer();
      };
      const store = storeOf({ timeoutMilliseconds: 5000 });
      await store.writeSegment(HASH, content, { ttlSeconds: 77 });
      const value = Buffer.from(content).toString('base64');
      const key = `v1/segment/${HASH}`;
      expect(kv.objects.get(key)).toEqual({ value, ttlSeconds: 77 });
      const body = JSON.stringify([{ key, expiration_ttl: 77, base64: true, value }]);
      expect(sent).toMatchObject({ 'content-length': String(body.length) });
      expect(sent).not.toHaveProperty('transfer-encoding');
    },
  );

  test('that is not there is no failure', async () => {
    const store = storeOf();
    expect(await store.readHead()).toBeUndefined();
    expect(await store.readSegment(HASH)).toBeUndefined();
    expect(kv.calls[0]).toContain('/values/v1%2Fhead');
  });
});

describe('a call fails', () => {
  const FAULTS: Record<string, Fault> = {
    'when the API answers 500': (response) => response.writeHead(500).end(),
    'when the API answers 403': (response) => response.writeHead(403).end(),
    'when it is redirected': (response) =>
      response.writeHead(307, { Location: 'http://127.0.0.1:9/' }).end(),
    'when nothing is answered': () => {},
    'when the connection breaks': (response) => response.destroy(),
    'when the answer ends too early': (response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{"success"');
      setTimeout(() => response.destroy(), 20);
    },
    'when the answer never ends': (response) => {
      response.writeHead(200).write('{"success":');
    },
  };
  test.each(Object.keys(FAULTS))('%s', async (name) => {
    const store = storeOf();
    const segment = new Uint8Array(1_920_000);
    kv.fault = FAULTS[name];
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('KvRestFailed');
    expect(await nameOf(store.readHead())).toBe('KvRestFailed');
    expect(await nameOf(store.writeSegment(HASH, segment, { ttlSeconds: 60 }))).toBe(
      'KvRestFailed',
    );
    kv.fault = undefined;
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('done');
  });

  test('when the API hangs up in the middle of a segment', async () => {
    const server = createServer((request) => void request.once('data', () => request.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const store = storeOf({ baseUrl: `http://127.0.0.1:${port}` });
    const written = store.writeSegment(HASH, new Uint8Array(1_920_000), { ttlSeconds: 60 });
    expect(await nameOf(written)).toBe('KvRestFailed');
    server.close();
  });

  test('when the API refuses before it has read the segment, and the refusal is heeded', async () => {
    const server = createServer((_, response) => {
      response.writeHead(429, { 'Retry-After': '7', Connection: 'close' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const store = storeOf({ baseUrl: `http://127.0.0.1:${port}` });
    const written = store.writeSegment(HASH, new Uint8Array(1_920_000), { ttlSeconds: 60 });
    expect(await nameOf(written)).toBe('KvRestFailed');
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('KvRestPaused');
    server.close();
  });

  test.each([
    ['says that it did not succeed', '{"success":false}'],
    [
      'names a key that was not written',
      '{"success":true,"result":{"unsuccessful_keys":["v1/head"]}}',
    ],
    ['is no JSON', '<html>'],
    ['is null', 'null'],
    ['is longer than any answer', ' '.repeat(70_000)],
  ])('when the answer to a write %s', async (_, text) => {
    kv.fault = (response) => response.end(text);
    expect(await nameOf(storeOf().writeHead('a.b.c'))).toBe('KvRestFailed');
  });

  test('when the head is longer than edges read', async () => {
    kv.fault = (response) => response.end('x'.repeat(9 * 1024 * 1024));
    expect(await nameOf(storeOf({ timeoutMilliseconds: 5000 }).readHead())).toBe('KvRestFailed');
  });

  test('and neither the log nor the error has the token', async () => {
    kv.fault = (response) => response.writeHead(403).end(`no ${kv.token}`);
    const error = await storeOf()
      .writeHead('a.b.c')
      .catch((reason: unknown) => reason);
    expect(logged.join()).toContain('403');
    const told = `${logged.join()} ${String(error)} ${(error as Error).stack}`;
    expect(told).not.toContain(kv.token);
  });
});

describe('no call is made', () => {
  test.each([
    ['that the API asked for, and half as much again at the most', '7', 8750],
    ['of a minute when it asked for none', undefined, 75_000],
    ['of a minute when it asked for nonsense', 'soon', 75_000],
    ['of ten minutes at the most', '999999', 750_000],
  ])('during the pause after a 429 %s', async (_, retryAfter, milliseconds) => {
    const store = storeOf();
    kv.fault = (response) =>
      response.writeHead(429, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }).end();
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('KvRestFailed');
    kv.fault = undefined;
    now += milliseconds - 1;
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('KvRestPaused');
    expect(await nameOf(store.readHead())).toBe('KvRestPaused');
    expect(kv.calls).toHaveLength(1);
    now += 1;
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('done');
  });

  test('beyond half of what Cloudflare allows the whole account in five minutes', async () => {
    const store = storeOf();
    const startedAt = now;
    for (let call = 0; call < 600; call++) {
      now += 400;
      await store.writeHead('a.b.c');
    }
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('KvRestPaused');
    expect(kv.calls).toHaveLength(600);
    now = startedAt + FIVE_MINUTES + 400;
    expect(await nameOf(store.writeHead('a.b.c'))).toBe('done');
  });
});
