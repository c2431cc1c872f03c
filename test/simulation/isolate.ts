/**
 * One isolate of the edge worker: the shipped pipeline on the shipped feed client, with the clock of
 * its machine. Requests may be cancelled in the middle, and the isolate may end at any time; what it
 * answers is judged by the ledger, in the instant in which the request goes to the origin.
 */

import { createEdge, type EdgeHandler } from '@cardea/edge-worker/edge';
import { createEdgeFeed, type EdgeFeedOptions } from '@cardea/edge-worker/feed/create-edge-feed';
import type { EdgeFeed } from '@cardea/edge-worker/feed/edge-feed';
import { feedLanesOf } from '@cardea/edge-worker/feed/feed-lanes';
import type { FeedSource } from '@cardea/edge-worker/feed/feed-source';
import type { LaneOptions } from '@cardea/edge-worker/feed/lane';
import { parseRoutes } from '@cardea/edge-worker/routes';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import type { KvNamespaceStandIn } from './kv-stand-in.ts';
import type { IsolateRecord, Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { AUDIENCE, ENVIRONMENT_ID, ISSUER, type Setting } from './setting.ts';
import type { Story } from './story.ts';
import type { Token } from './token.ts';
import type { World } from './world.ts';

/** How long the open route stays open beyond the bound, seconds. */
export const OPEN_FOR_SECONDS = 60;

const ROUTES = parseRoutes(
  [
    { path: '/closed', scopes: ['s'] },
    { path: '/strict', scopes: ['s'], on_stale: 'strict' },
    { path: '/open', scopes: ['s'], on_stale: { open_for_seconds: OPEN_FOR_SECONDS } },
  ],
  (problem) => {
    throw new TypeError(problem);
  },
);

export interface IsolateParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly ledger: Ledger;
  readonly setting: Setting;
  readonly name: string;
  readonly namespace: KvNamespaceStandIn;
  /** The control plane, for edges that ask it before they look into KV. */
  readonly fetchFeed?: (url: string, init: RequestInit) => Promise<Response>;
  readonly feedKeys: FeedKeys;
  readonly clockOffset: number;
  /** From 0 to 1: a read whose request is cancelled, so that nothing that awaits it goes on. */
  readonly cancelledChance: () => number;
  /** The feed client: the shipped one, or one with a planted flaw. */
  readonly createFeed?: (options: EdgeFeedOptions) => EdgeFeed;
  /** Lines of the operator's log pass here: a planted flaw may swallow them. */
  readonly keepsLine?: (line: string) => boolean;
}

/** `accepted`, as the log says it was `degraded` or a `fallback`; or the reason of the refusal. */
export type Answer = string;

export type Route = 'closed' | 'open' | 'strict';

interface Pending {
  readonly token: Token;
  readonly route: Route;
  /** What the log has said of this request. */
  isOpen: boolean;
  isFallback: boolean;
  answer: Answer | undefined;
}

export class Isolate {
  readonly record: IsolateRecord = { seq: 0, refusedAsRevoked: new Map() };
  readonly #parts: IsolateParts;
  readonly #edge: EdgeHandler;
  readonly #feed: EdgeFeed;
  readonly #pending = new Map<string, Pending>();
  /** The last snapshots that were trusted here, by `seq`. */
  readonly #snapshots = new Map<number, FeedSnapshot>();
  #requests = 0;

  constructor(parts: IsolateParts) {
    this.#parts = parts;
    const { createFeed = createEdgeFeed, feedKeys, setting, world } = parts;
    const { clockSkewSeconds, derivedTokenTtlMaxSeconds, feedHardSeconds } = setting;
    this.#feed = createFeed({
      ...{ environmentId: ENVIRONMENT_ID, feedKeys, clockSkewSeconds },
      ...this.#lanes(),
      clock: () => unixMilliseconds(this.#now()),
      pause: (milliseconds) => world.sleep(milliseconds),
    });
    this.#edge = createEdge({
      config: {
        environmentId: ENVIRONMENT_ID,
        jwtPolicy: {
          ...{ issuer: ISSUER, audience: AUDIENCE, tenantId: DEFAULT_TENANT_ID, clockSkewSeconds },
          lifetimeSecondsMax: derivedTokenTtlMaxSeconds,
        },
        ...{ feedHardSeconds, clockSkewSeconds, routes: ROUTES, laneB: undefined },
        ...{ originBase: 'https://origin.test', forwardCredential: false },
      },
      feed: this.#watched(this.#feed),
      now: () => this.#now(),
      fetchOrigin: async (_url, init) => this.#reached(new Headers(init.headers)),
      requestId: () => `${++this.#requests}`,
      log: (line) => {
        if (parts.keepsLine?.(line) ?? true) this.#logged(line);
      },
    });
  }

  /** Asks for a route with the token, as a client would. */
  async ask(token: Token, route: Route): Promise<Answer> {
    const pending: Pending = {
      ...{ token, route, isOpen: false, isFallback: false },
      answer: undefined,
    };
    // The pipeline takes the next number for this request, before it awaits anything.
    this.#pending.set(`${this.#requests + 1}`, pending);
    const headers = { authorization: `Bearer ${token.text}` };
    const request = new Request(`${AUDIENCE}/${route}`, { headers });
    const response = await this.#edge(request, {
      waitUntil: (work) => void work.catch((error) => this.#failed(error)),
    });
    const { answer } = pending;
    if (answer === undefined || (answer === 'edge_failed') !== (response.status === 500)) {
      this.#failed(`status ${response.status}, answer ${answer}`);
    }
    return answer ?? 'edge_failed';
  }

  get seq(): number | undefined {
    return this.#feed.status(unixMilliseconds(this.#now())).seq;
  }

  #now(): number {
    return this.#parts.world.now + this.#parts.clockOffset;
  }

  #failed(what: unknown): void {
    this.#parts.ledger.broken(0, `${this.#parts.name} failed: ${what}`);
  }

  /** As the worker makes them; reads of either may be cancelled. */
  #lanes(): LaneOptions {
    const { fetchFeed, namespace, setting } = this.#parts;
    const { feedHardSeconds, laneBHardSeconds: hardSeconds } = setting;
    const feedNamespace = namespace as never;
    const edge = { baseUrl: 'https://api.test', service: undefined, edgeName: 'edge' };
    const laneB =
      fetchFeed === undefined || hardSeconds === undefined ? undefined : { ...edge, hardSeconds };
    const lanes = feedLanesOf(
      { feedNamespace, feedHardSeconds, laneB },
      fetchFeed ?? (() => Promise.reject(new TypeError('nobody is asked'))),
    );
    const source = this.#cancellable(lanes.source);
    if (lanes.laneB === undefined) return { ...lanes, source };
    return {
      ...lanes,
      source,
      laneB: { ...lanes.laneB, source: this.#cancellable(lanes.laneB.source) },
    };
  }

  /** In force for what is let through now: of the lane that the log names, or of the best one. */
  #boundMilliseconds(pending: Pending): number {
    const { fetchFeed, setting } = this.#parts;
    const { clockSkewSeconds, feedHardSeconds, laneBHardSeconds = feedHardSeconds } = setting;
    const isLaneB = fetchFeed !== undefined && !pending.isFallback;
    return ((isLaneB ? laneBHardSeconds : feedHardSeconds) + clockSkewSeconds) * 1000;
  }

  #cancellable(source: FeedSource): FeedSource {
    const { random, cancelledChance } = this.#parts;
    const orNever = <T>(read: () => Promise<T>) =>
      random.chance(cancelledChance()) ? new Promise<never>(() => undefined) : read();
    return {
      readHead: (heldSeq) => orNever(() => source.readHead(heldSeq)),
      readObject: (name) => orNever(() => source.readObject(name)),
    };
  }

  /** Every snapshot that the pipeline is told to trust is shown to the ledger first. */
  #watched(feed: EdgeFeed): EdgeFeed {
    const seen = (result: Awaited<ReturnType<EdgeFeed['snapshot']>>) => {
      if (result.ok) this.#trusted(result.value.snapshot);
      return result;
    };
    return {
      ...feed,
      snapshot: (...question) => {
        const result = feed.snapshot(...question);
        return result instanceof Promise ? result.then(seen) : seen(result);
      },
      refreshForUnknownKey: async (...question) =>
        seen(await feed.refreshForUnknownKey(...question)),
    };
  }

  #trusted(snapshot: FeedSnapshot): void {
    const { ledger, name, story } = this.#parts;
    if (snapshot.seq !== this.record.seq) story.tell(name, `trusts head ${snapshot.seq}`);
    ledger.snapshotTrusted(this.record, snapshot);
    this.#snapshots.set(snapshot.seq, snapshot);
    if (this.#snapshots.size > 8) this.#snapshots.delete([...this.#snapshots.keys()][0] ?? 0);
  }

  /** The origin is reached: the request was let through. */
  #reached(headers: Headers): Response {
    const { ledger, name, story } = this.#parts;
    const pending = this.#take(headers.get('x-request-id') ?? '');
    if (pending !== undefined) {
      const { isFallback, isOpen, route, token } = pending;
      pending.answer = isOpen ? 'degraded' : isFallback ? 'fallback' : 'accepted';
      story.tell(name, `${route}: ${pending.answer} ${token.name}`);
      if (route === 'strict' && (isOpen || isFallback)) ledger.broken(1, 'a strict route gave way');
      const boundMilliseconds = this.#boundMilliseconds(pending);
      ledger.accepted(this.record, token, isOpen ? undefined : boundMilliseconds);
    }
    return new Response(null, { status: 204 });
  }

  #logged(line: string): void {
    const { event, evidence, reason, request_id: id } = JSON.parse(line);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (event === 'open_while_stale') pending.isOpen = true;
    if (event === 'lane_b_away') pending.isFallback = true;
    if (event === 'edge_failed') this.#refused(id, 'edge_failed');
    if (event !== 'refused') return;
    const snapshot = this.#snapshots.get(evidence?.seq);
    if (reason === 'token_revoked' && snapshot !== undefined) {
      this.#parts.ledger.refusedAsRevoked(this.record, pending.token, snapshot);
    }
    this.#refused(id, reason);
  }

  #refused(id: string, reason: string): void {
    const { name, story } = this.#parts;
    const pending = this.#take(id);
    if (pending === undefined) return;
    pending.answer = reason;
    story.tell(name, `refuses ${pending.token.name}: ${reason}`);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
