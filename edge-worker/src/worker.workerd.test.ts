/** Guarantee: the deployed worker, with the configuration of wrangler.toml, is the pipeline. */

import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { KvPublisher } from './testing/published-edge.ts';
import { tokenAt } from './testing/test-token.ts';
import worker from './worker.ts';

const bindings = env as unknown as { FEED: KVNamespace };

const background: ExecutionContext = {
  waitUntil: () => undefined,
  passThroughOnException: () => {
    throw new Error('the edge never passes a request through on a fault');
  },
  props: {},
} as unknown as ExecutionContext;

describe('a misconfigured edge', () => {
  test.each(['/v1/notes', '/public/x', '/.cardea/health', '/'])(
    'answers %s with 503',
    async (path) => {
      const request = new Request(`https://api.test${path}`);
      const response = await worker.fetch(request as never, {}, background);
      expect([response.status, await response.json()]).toMatchObject([
        503,
        { code: 'edge_misconfigured' },
      ]);
      expect(response.headers.get('retry-after')).toBe('5');
    },
  );

  test('also if all that is wrong is a weak feed key', async () => {
    const weak = { ...env, FEED_PUBLIC_KEYS: 'A'.repeat(43) };
    const request = new Request('https://api.test/public/x');
    const response = await worker.fetch(request as never, weak, background);
    expect(await response.json()).toMatchObject({ code: 'edge_misconfigured' });
  });
});

describe('the worker of wrangler.toml', () => {
  const send = (path: string, init?: RequestInit) =>
    (exports as unknown as { default: Fetcher }).default.fetch(`https://api.test${path}`, init);

  test('refuses, accepts and forwards by the routes written there', async () => {
    const publisher = new KvPublisher(bindings.FEED);
    await publisher.publish();
    const token = await tokenAt(publisher.clock.nowSeconds);
    const headers = { authorization: `Bearer ${token}` };
    expect((await send('/.cardea/ready')).status).toBe(200);
    expect((await send('/v1/notes')).status).toBe(401);
    expect((await send('/public/x')).status).toBe(200);
    const accepted = await send('/v1/notes/1?x=1', { headers });
    expect(await accepted.json()).toMatchObject({ url: 'http://127.0.0.1:8788/v1/notes/1?x=1' });
    expect((await send('/v1/notes/1', { method: 'DELETE', headers })).status).toBe(403);
    expect((await send('/elsewhere', { headers })).status).toBe(404);
  });
});
