/**
 * A publisher whose storage, database and feed store are in memory, each of which can fail before a call has
 * an effect or after it: for long random histories. The publisher itself is the real one.
 */

import { type FeedKeys, importFeedKeys } from '@cardea/shared/feed/feed-key';
import { encodeHeadPayload } from '@cardea/shared/feed/head';
import { fixedKey, signCompact } from '@cardea/shared/feed/testing/feed-fixture';
import { type UnixMilliseconds, unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../src/audit/audit-event.ts';
import type { FeedStore } from '../src/publication/feed-store/feed-store.ts';
import { Publisher, type PublisherParts } from '../src/publication/publisher.ts';
import type { LiveEntry } from '../src/publication/publisher-storage.ts';
import type { SegmentLimits } from '../src/publication/segments/plan-segments.ts';
import type { Truth } from '../src/publication/truth.ts';
import type { Revocation } from '../src/revocations/revocation.ts';
import { MemoryPublisherStorage } from './memory-publisher-storage.ts';

export const ENTRY_LIVES_SECONDS = 6000;
export const CLOCK_SKEW_SECONDS = 60;
export const BOUND_SECONDS = 180;
const ENVIRONMENT_ID = 'test';

/** So small that a few hundred entries go through everything. */
export const SMALL_LIMITS: SegmentLimits = {
  tailAim: 8,
  tailMax: 64,
  flushMax: 16,
  segmentMax: 256,
};

interface KvObject {
  readonly value: string | Uint8Array<ArrayBuffer>;
  readonly firstWrittenAt: number;
  readonly expiresAt: number;
}

/** The call did not happen, or nobody knows. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

export class MemoryWorld {
  now = 1_800_000_000_000;
  /** Asked at each call that leaves the publisher: whether it fails, and when. */
  fault: () => 'none' | 'before' | 'after' = () => 'none';
  readonly kv = new Map<string, KvObject>();
  readonly heads: string[] = [];
  rows: Revocation[] = [];
  storage = new MemoryPublisherStorage();
  publisher: Publisher;
  readonly logged: string[] = [];
  /** Bytes of objects that KV was given. */
  bytesWritten = 0;
  readonly feedKeys: FeedKeys;
  readonly #parts: Omit<PublisherParts, 'storage'>;

  private constructor(
    feedKeys: FeedKeys,
    parts: (world: MemoryWorld) => Omit<PublisherParts, 'storage'>,
  ) {
    this.feedKeys = feedKeys;
    this.#parts = parts(this);
    this.publisher = this.#newPublisher();
  }

  static async open(limits: SegmentLimits): Promise<MemoryWorld> {
    const key = await fixedKey(1);
    const feedKeys = await importFeedKeys([key.x]);
    if (!feedKeys.ok) throw new Error('A fixed key was refused.');
    let alarmAt: number | null = null;
    return new MemoryWorld(feedKeys.value, (world) => ({
      segmentLimits: limits,
      alarm: {
        get: async () => alarmAt,
        set: async (at) => {
          alarmAt = at;
        },
      },
      clock: { now: () => world.#clock() },
      random: () => 0.5,
      heartbeatMilliseconds: 30_000,
      signHead: (head) => signCompact(key, encodeHeadPayload(head)),
      feedKeys: feedKeys.value,
      feed: world.#faulty(world.#feed()),
      truth: world.#truth(),
      environmentId: ENVIRONMENT_ID,
      entryLivesSeconds: ENTRY_LIVES_SECONDS,
      clockSkewSeconds: CLOCK_SKEW_SECONDS,
      log: (_level, event) => void world.logged.push(event),
    }));
  }

  /** A new process on the same storage. */
  restart(): void {
    this.publisher = this.#newPublisher();
  }

  /** What is left is KV's feed and the database. */
  loseStorage(): void {
    this.storage = new MemoryPublisherStorage();
    this.restart();
  }

  async runAlarm(): Promise<void> {
    await this.publisher.runAlarm().catch((error) => {
      if (!(error instanceof Fault)) throw error;
      this.restart();
    });
  }

  #newPublisher(): Publisher {
    const { segments, apart } = this.storage;
    const storage = this.#faulty(this.storage, {
      segments: this.#faulty(segments),
      apart: this.#faulty(apart),
    });
    return new Publisher({ ...this.#parts, storage });
  }

  #clock(): UnixMilliseconds {
    this.now += 1;
    return unixMilliseconds(this.now);
  }

  #feed(): FeedStore {
    const put = (name: string, value: KvObject['value'], ttlSeconds: number) => {
      if (ttlSeconds < 60) throw new RangeError('KV takes no shorter life.');
      const known = this.kv.get(name);
      const firstWrittenAt = known?.firstWrittenAt ?? this.now;
      this.kv.set(name, { value, firstWrittenAt, expiresAt: this.now + ttlSeconds * 1000 });
      this.bytesWritten += value.length;
    };
    return {
      arrivalMilliseconds: 120_000,
      readHead: async () => this.heads.at(-1),
      readSegment: async (hash) => {
        const object = this.kv.get(hash);
        if (object === undefined || object.expiresAt <= this.now) return undefined;
        return object.value instanceof Uint8Array ? object.value : undefined;
      },
      writeKeyset: async (hash, text) => put(hash, text, 3600),
      writeSegment: async (hash, content, { ttlSeconds }) => put(hash, content, ttlSeconds),
      writeHead: async (head) => void this.heads.push(head),
    };
  }

  #truth(): Truth {
    const isLive = (row: Revocation) => row.expiresAtSeconds * 1000 > this.now;
    const stored = () => this.rows.filter(isLive);
    const mark = (ids: readonly string[], changes: Partial<Revocation>) => {
      this.rows = this.rows.map((row) =>
        ids.includes(row.revocationId) ? { ...row, ...changes } : row,
      );
    };
    return {
      revocations: this.#faulty({
        highestBound: async () => undefined,
        unacknowledged: async (count) =>
          stored()
            .filter((r) => !r.isAcknowledged)
            .slice(0, count),
        live: async ({ afterRevocationId, count }) =>
          stored()
            .toSorted((one, other) => (one.revocationId < other.revocationId ? -1 : 1))
            .filter(({ revocationId }) => revocationId > afterRevocationId)
            .slice(0, count),
        markAcknowledged: async (ids) => mark(ids, { isAcknowledged: true }),
        unpublished: async ({ count }) =>
          stored()
            .filter((row) => row.isAcknowledged && row.publishedSeq === undefined)
            .slice(0, count)
            .map(({ revocationId }) => revocationId),
        markPublished: async (ids, publishedSeq) => mark(ids, { publishedSeq }),
        nextEffectAt: async () => undefined,
      }),
      signingKeys: { listAll: async () => [] } as unknown as Truth['signingKeys'],
      generateSigningKey: () => Promise.reject(new Error('There is no tenant.')),
      sealKeys: async () => [],
      tenants: async () => [],
      binding: {} as Truth['binding'],
      durations: {
        boundSeconds: BOUND_SECONDS,
        retiringSeconds: ENTRY_LIVES_SECONDS,
        tokenLivesSeconds: ENTRY_LIVES_SECONDS,
      },
      sealAudit: async () => undefined,
      restoration: {
        store: {
          mark: async () => 0,
          moveMark: async () => true,
          restore: async () => 0,
        },
        // Nothing is restored here: nobody reads it.
        auditEvent: async () => ({}) as NewAuditEvent,
        randomBytes: (count) => new Uint8Array(count),
      },
    };
  }

  /** Commits a row; whoever announces it is another matter. */
  commit(entry: LiveEntry): Revocation {
    const row: Revocation = {
      revocationId: String(this.rows.length).padStart(8, '0'),
      tenantId: '',
      scope: entry.staysInline === true ? 'signing_key' : 'token',
      entry: { scopeId: entry.scopeId, boundSeconds: entry.boundSeconds },
      cause: 'test',
      createdAtSeconds: unixSeconds(this.now / 1000),
      effectiveAtSeconds: unixSeconds(this.now / 1000),
      expiresAtSeconds: unixSeconds(entry.expiresAtSeconds),
      isAcknowledged: false,
    };
    this.rows.push(row);
    return row;
  }

  #faulty<T extends object>(target: T, replaced: Partial<T> = {}): T {
    return new Proxy(target, {
      get: (object, name) => {
        if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
        const value = Reflect.get(object, name);
        if (typeof value !== 'function') return value;
        return async (...parameters: unknown[]) => {
          const fault = this.fault();
          if (fault === 'before') throw new Fault();
          const answer = await value.apply(object, parameters);
          if (fault === 'after') throw new Fault();
          return answer;
        };
      },
    });
  }
}
