/**
 * An edge in a test, composed of the real parts: the feed in KV, the origin over fetch, tokens by
 * jose. Only the clock is the test's, and the log is kept to be looked at.
 */

import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import type { EdgeIdentity } from '@cardea/shared/feed/sealed-key';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { createEdge, type EdgeOptions } from '../edge.ts';
import type { EdgeFeedOptions } from '../feed/create-edge-feed.ts';
import { feedLanesOf } from '../feed/feed-lanes.ts';
import { edgeFeedOf, type Published, ScriptedFeed } from '../feed/testing/scripted-feed.ts';
import { parseRoutes } from '../routes.ts';

/** A publisher whose objects are put into a real namespace. Its clock starts at the real time. */
export class KvPublisher {
  readonly #namespace: KVNamespace;
  readonly #scripted = new ScriptedFeed();

  constructor(namespace: KVNamespace) {
    this.#namespace = namespace;
    this.#scripted.nowSeconds = Math.floor(Date.now() / 1000);
  }

  get clock(): ScriptedFeed {
    return this.#scripted;
  }

  async publish(content: Published = {}): Promise<void> {
    await this.#scripted.publish(content);
    for (const [name, bytes] of this.#scripted.objects) await this.#namespace.put(name, bytes);
    await this.#namespace.put(HEAD_OBJECT, this.#scripted.head ?? '');
  }
}

export const TEST_ROUTES: readonly unknown[] = [
  { methods: ['GET'], path: '/public/*', public: true },
  { path: '/v1/notes/*', scopes: ['notes:read'] },
  { path: '/v1/admin/*', scopes: ['notes:read', 'notes:admin'] },
  { path: '/v1/open/*', scopes: [], on_stale: { open_for_seconds: 300 } },
  { path: '/v1/strict/*', scopes: [], on_stale: 'strict' },
];

export interface EdgeUnderTest {
  readonly log: ReadonlyArray<Record<string, unknown>>;
  /** Sends a request and lets its background work end. */
  send(path: string, init?: RequestInit & { token?: string }): Promise<Response>;
  sendRaw(request: Request): Promise<Response>;
}

export interface EdgeChanges
  extends Partial<EdgeOptions['config']>,
    Partial<Pick<EdgeOptions, 'fetchOrigin' | 'checkers'>> {
  /** With it the edge takes macaroons. */
  readonly identity?: EdgeIdentity;
  /** With it the edge has a lane B, and this is what its questions get. */
  readonly publisherAnswer?: PublisherAnswer;
  readonly feedChanges?: Partial<EdgeFeedOptions>;
}

type PublisherAnswer = (request: Request) => Promise<Response>;

/** KV as it is, and before it the publisher, as over a service binding. */
function lanesOver(feedNamespace: KVNamespace, answer: PublisherAnswer | undefined) {
  const kv = { feedNamespace, feedHardSeconds: 120 };
  if (answer === undefined) return feedLanesOf({ ...kv, laneB: undefined }, fetch);
  const service = {
    fetch: (input: unknown, init: unknown) => answer(new Request(input as string, init as object)),
  };
  const laneB = {
    ...{ baseUrl: 'https://keys.test', service: service as Pick<Fetcher, 'fetch'> },
    ...{ hardSeconds: 10, edgeName: 'edge-1' },
  };
  return feedLanesOf({ ...kv, laneB }, fetch);
}

/** The pipeline asks only whether there are any: the feed has imported them. */
function credentialsOf({ edgeId }: EdgeIdentity) {
  return { edgeId, secret: new Uint8Array() };
}

export function edgeUnderTest(
  namespace: KVNamespace,
  publisher: KvPublisher,
  changes: EdgeChanges = {},
): EdgeUnderTest {
  const problems: string[] = [];
  const fetchIt: EdgeOptions['fetchOrigin'] = (url, init) => fetch(url, init);
  const {
    fetchOrigin = fetchIt,
    checkers,
    identity,
    publisherAnswer,
    feedChanges,
    ...config
  } = changes;
  const lanes = lanesOver(namespace, publisherAnswer);
  const log: Record<string, unknown>[] = [];
  const clock = publisher.clock;
  const edge = createEdge({
    config: {
      environmentId: 'test',
      jwtPolicy: {
        issuer: 'https://issuer.test',
        audience: 'https://api.test',
        tenantId: DEFAULT_TENANT_ID,
        lifetimeSecondsMax: 86_400,
        clockSkewSeconds: 60,
      },
      feedHardSeconds: 120,
      clockSkewSeconds: 60,
      originBase: 'http://origin.test/base',
      routes: parseRoutes(TEST_ROUTES, (problem) => problems.push(problem)),
      forwardCredential: false,
      ...(identity === undefined ? {} : { edgeCredentials: credentialsOf(identity) }),
      ...config,
    },
    feed: edgeFeedOf(
      { ...lanes, now: clock.now },
      { ...lanes, clock: () => clock.now, edgeIdentity: identity, ...feedChanges },
    ),
    ...(checkers === undefined ? {} : { checkers }),
    now: () => clock.now,
    fetchOrigin,
    requestId: () => `request-${log.length}`,
    log: (line) => log.push(JSON.parse(line)),
  });
  if (problems.length > 0) throw new Error(problems.join());
  const sendRaw = async (request: Request) => {
    const work: Promise<unknown>[] = [];
    const response = await edge(request, { waitUntil: (promise) => work.push(promise) });
    await Promise.all(work);
    return response;
  };
  return {
    log,
    sendRaw,
    send: (path, { token, ...init } = {}) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      return sendRaw(new Request(`https://api.test${path}`, { ...init, headers }));
    },
  };
}
