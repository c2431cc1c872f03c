/**
 * Guarantee: what the publisher writes over REST is what edges find in KV. The API is wrangler's own local
 * one, beside the real edge worker; what it does not show (429, outages, torn answers) is tested in
 * test/stores/feed-store-rest.test.ts.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '@cardea/cli/dev-stack/child';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { openStateFolder, type StateFolder } from '@cardea/cli/dev-stack/state-folder';
import { waitUntilReady } from '@cardea/cli/dev-stack/wait-until-ready';
import { readKvNamespaceId, startEdge } from '@cardea/cli/dev-stack/workers';
import { createRestFeedStore } from '@cardea/control-plane/publication/feed-store/feed-store.rest.node';
import { Secret } from '@cardea/control-plane/secret';
import { unixMilliseconds } from '@cardea/shared/time';
import { afterAll, beforeAll, expect, test } from 'vitest';

const LOCAL_API_PATH = '/cdn-cgi/local/explorer/api';
const HASH = 'cd'.repeat(32);

let folder: string;
let state: StateFolder;
let edge: Child;
let baseUrl: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cardea-kv-'));
  state = openStateFolder(folder);
  const [port = 0] = await findFreePorts(1);
  const url = `http://127.0.0.1:${port}`;
  baseUrl = `${url}${LOCAL_API_PATH}`;
  edge = startEdge(state, { controlPlaneUrl: url, originUrl: url, port });
  await waitUntilReady({ child: edge, url: `${baseUrl}/storage/kv/namespaces` });
});
afterAll(async () => {
  await edge?.stop();
  state?.lock.release();
  rmSync(folder, { recursive: true, force: true });
});

test('head, keyset and segment arrive byte for byte, the objects with an end', async () => {
  const namespaceId = readKvNamespaceId();
  const store = createRestFeedStore({
    ...{ baseUrl, namespaceId, token: new Secret('local'), random: () => 0 },
    arrivalMilliseconds: 0,
    clock: { now: () => unixMilliseconds(Date.now()) },
    log: () => {},
  });
  expect(await store.readHead()).toBeUndefined();
  const keyset = '{"v":1,"keys":[],"sealed":[],"x":"ü"}';
  await store.writeKeyset(HASH, keyset);
  for (const head of ['first.head.text', 'second.head.text']) {
    await store.writeHead(head);
    expect(await store.readHead()).toBe(head);
  }
  // The largest that the publisher makes, with every value that a byte can have.
  const segment = Uint8Array.from({ length: 160_000 * 12 }, (_, index) => (index * 7) % 256);
  expect(await store.readSegment(HASH)).toBeUndefined();
  await store.writeSegment(HASH, segment, { ttlSeconds: 3600 });
  expect(Buffer.compare((await store.readSegment(HASH)) ?? Buffer.alloc(0), segment)).toBe(0);
  const base = `${baseUrl}/storage/kv/namespaces/${namespaceId}`;
  const value = await fetch(`${base}/values/${encodeURIComponent(`v1/keyset/${HASH}`)}`);
  expect(await value.text()).toBe(keyset);
  const { result } = (await (await fetch(`${base}/keys`)).json()) as {
    result: ReadonlyArray<{ name: string; expiration?: number }>;
  };
  const ends = Object.fromEntries(result.map(({ name, expiration }) => [name, expiration]));
  const inAMonth = Date.now() / 1000 + 30 * 24 * 60 * 60;
  expect(Math.abs((ends[`v1/keyset/${HASH}`] ?? 0) - inAMonth)).toBeLessThan(120);
  const inAnHour = Date.now() / 1000 + 3600;
  expect(Math.abs((ends[`v1/segment/${HASH}`] ?? 0) - inAnHour)).toBeLessThan(120);
  expect(ends['v1/head']).toBeUndefined();
});
