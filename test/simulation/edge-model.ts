/**
 * One edge: an isolate at a location, with the shipped feed client (or one with a planted flaw), a
 * clock of its own, requests in bursts, restarts, and requests that are cancelled in the middle.
 */

import { createEdgeFeed, type EdgeFeedOptions } from '@cardea/edge-worker/feed/create-edge-feed';
import type {
  EdgeFeed,
  RequestContext,
  StalePolicy,
  TrustedSnapshot,
} from '@cardea/edge-worker/feed/edge-feed';
import { type FeedSource, FeedUnreadable } from '@cardea/edge-worker/feed/feed-source';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { isRevoked } from '@cardea/shared/feed/revocation-table';
import type { Result } from '@cardea/shared/result';
import { type UnixMilliseconds, unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { KvOutage, type KvStandIn, type Value } from './kv-stand-in.ts';
import type { IsolateRecord, Ledger, Token } from './ledger.ts';
import { createPlainEdge, type EdgeFlaw } from './plain-edge.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** `shipped` is the client of the edge worker; the others are the plain one with or without a flaw. */
export type EdgeKind = 'shipped' | EdgeFlaw;

/** How often each outcome happened: shows that a run was not empty. */
export interface Tally {
  accepted: number;
  degraded: number;
  revoked: number;
  stale: number;
  unknownKey: number;
  deadOrExpired: number;
  restarts: number;
}

export interface EdgeParts {
  readonly world: World;
  readonly random: Random;
  readonly kv: KvStandIn;
  readonly ledger: Ledger;
  readonly feedKeys: FeedKeys;
  readonly kind: EdgeKind;
  readonly location: number;
  readonly environmentId: string;
  readonly offsetMilliseconds: number;
  readonly hardSeconds: number;
  readonly clockSkewSeconds: number;
  readonly tokens: () => readonly Token[];
  readonly tally: Tally;
  readonly fail: (error: unknown) => void;
}

/** One in so many reads belongs to a request that is cancelled: nothing that awaits it goes on. */
const CANCELLED_CHANCE = 0.02;
const BURST_MILLISECONDS = [500, 12_000] as const;
const TOKENS_PER_REQUEST = 8;

export class EdgeModel {
  readonly #parts: EdgeParts;
  #feed: EdgeFeed;
  #isolate: IsolateRecord = { seq: 0, refusedAsRevoked: new Set() };

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    this.#feed = this.#createFeed();
  }

  start(): void {
    const { world, random } = this.#parts;
    const again = () => {
      if (random.chance(0.02)) this.#restart();
      const requests = random.integer(1, 3);
      for (let i = 0; i < requests; i++) this.#request();
      world.after(random.integer(...BURST_MILLISECONDS), again);
    };
    world.after(random.integer(0, 5_000), again);
  }

  #createFeed(): EdgeFeed {
    const { feedKeys, kind, environmentId, hardSeconds, clockSkewSeconds } = this.#parts;
    const options: EdgeFeedOptions = {
      ...{ environmentId, feedKeys, hardSeconds, clockSkewSeconds },
      source: this.#source(),
      clock: () => this.#now(),
    };
    return kind === 'shipped' ? createEdgeFeed(options) : createPlainEdge(options, kind);
  }

  #restart(): void {
    this.#feed = this.#createFeed();
    this.#isolate = { seq: 0, refusedAsRevoked: new Set() };
    this.#parts.tally.restarts++;
  }

  #now(): UnixMilliseconds {
    return unixMilliseconds(this.#parts.world.now + this.#parts.offsetMilliseconds);
  }

  #source(): FeedSource {
    return {
      readHead: async () => {
        const value = await this.#read(HEAD_OBJECT);
        return typeof value === 'object' ? '' : value;
      },
      readObject: async (name) => {
        const value = await this.#read(name);
        return typeof value === 'string' ? undefined : value?.slice().buffer;
      },
    };
  }

  async #read(name: string): Promise<Value | undefined> {
    const { kv, location, random } = this.#parts;
    if (random.chance(CANCELLED_CHANCE)) return new Promise<never>(() => undefined);
    try {
      return await kv.get(location, name);
    } catch (error) {
      if (error instanceof KvOutage) throw new FeedUnreadable('read_failed');
      throw error;
    }
  }

  #request(): void {
    const { random, fail } = this.#parts;
    const context: RequestContext = {
      now: this.#now(),
      waitUntil: (work) => void work.catch(fail),
    };
    const stale = { openForSeconds: random.chance(0.15) ? 60 : 0 };
    const isolate = this.#isolate;
    const feed = this.#feed;
    const go = async () => {
      const answer = feed.snapshot(context, stale);
      // An answer from memory is judged in the same instant, as the pipeline does.
      const result = answer instanceof Promise ? await answer : answer;
      this.#judge({ feed, isolate, context, stale, hasRefreshed: false }, result);
    };
    go().catch(fail);
  }

  #judge(asked: Asked, result: Result<TrustedSnapshot>): void {
    const { ledger, tally, random } = this.#parts;
    if (!result.ok) {
      tally.stale++;
      return;
    }
    ledger.snapshotTrusted(asked.isolate, result.value);
    const tokens = this.#parts.tokens();
    for (let i = 0; i < TOKENS_PER_REQUEST; i++) {
      const token = tokens[random.integer(0, tokens.length - 1)];
      if (token !== undefined) this.#verify(asked, token, result.value);
    }
  }

  #verify(asked: Asked, token: Token, trusted: TrustedSnapshot): void {
    const { ledger, tally, fail } = this.#parts;
    const key = trusted.snapshot.jwtKeys.get(token.kid);
    if (key === undefined) {
      tally.unknownKey++;
      if (asked.hasRefreshed) return;
      const again = async () => {
        const result = await asked.feed.refreshForUnknownKey(asked.context, asked.stale);
        if (!result.ok) return;
        ledger.snapshotTrusted(asked.isolate, result.value);
        this.#verify({ ...asked, hasRefreshed: true }, token, result.value);
      };
      again().catch(fail);
      return;
    }
    const now = Math.floor(this.#now() / 1000);
    if (now < key.notBeforeSeconds || now >= key.notAfterSeconds || now >= token.expiresAtSeconds) {
      tally.deadOrExpired++;
      return;
    }
    const scopes = {
      issuedAtSeconds: unixSeconds(token.issuedAtSeconds),
      scopeIds: token.scopeIds,
    };
    const revoked = isRevoked(trusted.snapshot.revocations, scopes);
    ledger.lookedUp(token, trusted, revoked);
    if (revoked) {
      asked.isolate.refusedAsRevoked.add(token.name);
      tally.revoked++;
      return;
    }
    ledger.accepted(asked.isolate, token, trusted);
    if (trusted.degraded) tally.degraded++;
    else tally.accepted++;
  }
}

interface Asked {
  readonly feed: EdgeFeed;
  readonly isolate: IsolateRecord;
  readonly context: RequestContext;
  readonly stale: StalePolicy;
  /** After one forced refresh an unknown key is an unknown key. */
  readonly hasRefreshed: boolean;
}
