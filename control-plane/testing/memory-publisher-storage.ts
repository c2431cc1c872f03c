/**
 * A publisher's storage in memory, apart from the database, as the hub's is: for tests and for the simulation,
 * which crash publishers on it. Each method happens at once, or not at all.
 */

import { encodeEntries } from '@cardea/shared/feed/entry';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import {
  secondsOf,
  type UnixMilliseconds,
  unixMilliseconds,
  unixSeconds,
} from '@cardea/shared/time';
import { nextSeq, type StoredKeyset } from '../src/publication/plan-publication.ts';
import {
  type EntriesApart,
  type Keyset,
  type LiveEntry,
  type Moment,
  type NewSegment,
  type PublisherMemory,
  type PublisherStorage,
  type RestorationProgress,
  SEGMENT_KEPT_MILLISECONDS,
  type SegmentStorage,
  type TakenEntry,
} from '../src/publication/publisher-storage.ts';
import { mergedSegment } from '../src/publication/segments/merged-segment.ts';
import { bucketOf, type StoredSegment } from '../src/publication/segments/plan-segments.ts';

interface MemorySegment extends StoredSegment {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly droppedAt?: UnixMilliseconds;
}

interface MemoryKeyset extends StoredKeyset, Keyset {}

export class MemoryPublisherStorage implements PublisherStorage {
  readonly apart: EntriesApart = {
    takeEntries: async (entries) => {
      for (const entry of entries) this.#takeEntry(entry);
      if (entries.length > 0) this.#change++;
      if (!this.#memory.isRecovered) return;
      for (const entry of entries) this.#taken.push({ ...entry, number: ++this.#lastTaken });
    },
    adopt: async (segment) => {
      const isThere = this.#present().some(({ hash }) => hash === segment.hash);
      if (!isThere) this.#insert(segment);
    },
    tailEntries: async ({ afterScopeId, count }) =>
      this.#sorted()
        .filter(({ scopeId }) => formatScopeId(scopeId) > afterScopeId)
        .slice(0, count),
    mark: async () => this.#mark,
    markMoved: async (mark) => {
      this.#mark = mark;
      this.#restoration = undefined;
    },
    takenEntries: async ({ after, last, count }) =>
      this.#taken.filter(({ number }) => number > after && number <= last).slice(0, count),
    lastTaken: async () => this.#lastTaken,
    entriesFound: async ({ from, to }) => {
      this.#taken = this.#taken.filter(({ number }) => number < from || number > to);
    },
    restorationProgress: async () => this.#restoration,
    restorationWent: async (progress) => {
      this.#restoration = progress;
    },
  };

  readonly segments: SegmentStorage = {
    state: async ({ bucketSeconds, expiresAtSecondsMin }) => {
      const tail = this.#sorted().filter(
        (entry) => entry.staysInline !== true && entry.expiresAtSeconds >= expiresAtSecondsMin,
      );
      const buckets = Map.groupBy(tail, (entry) => bucketOf(entry.expiresAtSeconds, bucketSeconds));
      return {
        segments: this.#present(),
        tail: [...buckets].map(([bucket, { length }]) => ({ bucket, entryCount: length })),
      };
    },
    present: async () => this.#present(),
    flush: async ({ bucket, bucketSeconds, entriesMax, expiresAtSecondsMin }) => {
      const isMeant = (entry: LiveEntry) =>
        entry.staysInline !== true &&
        entry.expiresAtSeconds >= expiresAtSecondsMin &&
        bucketOf(entry.expiresAtSeconds, bucketSeconds) === bucket;
      const taken = this.#sorted()
        .filter(isMeant)
        .toSorted((one, other) => one.expiresAtSeconds - other.expiresAtSeconds)
        .slice(0, entriesMax);
      const flushed = new Set(taken);
      const content = encodeEntries(this.#sorted().filter((entry) => flushed.has(entry)));
      const hash = await objectHash(content);
      const end = Math.max(...taken.map(({ expiresAtSeconds }) => expiresAtSeconds));
      const expiresAtSeconds = unixSeconds(end);
      if (taken.length === 0) return 0;
      this.#insert({ bucket, hash, content, entryCount: taken.length, expiresAtSeconds });
      for (const entry of taken) {
        const key = formatScopeId(entry.scopeId);
        if (this.#tail.get(key) === entry) this.#tail.delete(key);
      }
      return taken.length;
    },
    merge: async (merge) => {
      const sources = merge.sources.map(({ segmentId }) => segmentId);
      const mergedInto = this.#insert(await mergedSegment(this.segments, merge));
      this.#segments = this.#segments.map((segment) =>
        sources.includes(segment.segmentId) ? { ...segment, mergedInto } : segment,
      );
    },
    content: async (hash) => this.#segments.find((segment) => segment.hash === hash)?.content,
    written: async (hash, at) => {
      this.#segments = this.#segments.map((segment) =>
        segment.hash === hash ? { writtenAt: at, ...segment } : segment,
      );
    },
    drop: async (segmentIds, at) => {
      this.#segments = this.#segments
        .map((segment) =>
          segmentIds.includes(segment.segmentId) ? { droppedAt: at, ...segment } : segment,
        )
        .filter(({ droppedAt }) => (droppedAt ?? at) >= at - SEGMENT_KEPT_MILLISECONDS);
    },
  };

  #memory: Omit<PublisherMemory, 'isChangeWaiting' | 'seq'> = {
    isRecovered: false,
    failures: 0,
    earliest: unixMilliseconds(0),
  };
  #seq = 0;
  #change = 0;
  #publishedChange = 0;
  #mark = 0;
  #taken: TakenEntry[] = [];
  #lastTaken = 0;
  #restoration: RestorationProgress | undefined;
  #keysets: readonly MemoryKeyset[] = [];
  #tail = new Map<string, LiveEntry>();
  #segments: readonly MemorySegment[] = [];
  #segmentIds = 0;

  async memory(): Promise<PublisherMemory> {
    const isChangeWaiting = this.#change > this.#publishedChange;
    return { ...this.#memory, seq: this.#seq, isChangeWaiting };
  }

  async revokedForGood(scopeIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(scopeIds.filter((id) => this.#tail.get(id)?.boundSeconds === 0xffffffff));
  }

  async takeKeyset(keyset: Keyset): Promise<void> {
    if (this.#keysets.at(-1)?.hash === keyset.hash) return;
    this.#keysets = [...this.#keysets.filter(({ hash }) => hash !== keyset.hash), keyset];
    this.#change++;
  }

  async keyset(hash: string): Promise<Keyset | undefined> {
    return this.#keysets.find((keyset) => keyset.hash === hash);
  }

  async takeAuditSeal(auditSeal: string): Promise<void> {
    this.#memory = { ...this.#memory, auditSeal };
  }

  async takeMoment(stamp: UnixMilliseconds, clockSkewSeconds: number): Promise<Moment> {
    for (const [key, entry] of this.#tail) {
      if (entry.expiresAtSeconds + clockSkewSeconds < secondsOf(stamp)) this.#tail.delete(key);
    }
    const { keysetHash, auditSeal } = this.#memory;
    this.#seq = nextSeq(this.#seq, stamp);
    return {
      seq: this.#seq,
      change: this.#change,
      tail: encodeEntries(this.#sorted()),
      segments: this.#present(),
      keysets: this.#keysets,
      ...(keysetHash === undefined ? {} : { reliedKeysetHash: keysetHash }),
      ...(auditSeal === undefined ? {} : { auditSeal }),
    };
  }

  async keysetWritten(hash: string, at: UnixMilliseconds): Promise<void> {
    this.#keysets = this.#keysets.map((keyset) =>
      keyset.hash === hash ? { firstWrittenAt: at, ...keyset, lastWrittenAt: at } : keyset,
    );
  }

  async headWritten(head: Parameters<PublisherStorage['headWritten']>[0]): Promise<void> {
    const { seq: publishedSeq, keysetHash, at: publishedAt, change } = head;
    this.#memory = { ...this.#memory, publishedSeq, keysetHash, publishedAt };
    this.#publishedChange = change;
  }

  async recovered(lowestSeq: number): Promise<void> {
    this.#memory = { ...this.#memory, isRecovered: true };
    this.#seq = Math.max(this.#seq, lowestSeq);
  }

  async objectsLost(): Promise<void> {
    this.#keysets = this.#keysets.map(({ hash, kids, text }) => ({ hash, kids, text }));
    this.#segments = this.#segments.map(({ writtenAt: _, ...segment }) => segment);
  }

  async attemptEnded(attempt: Parameters<PublisherStorage['attemptEnded']>[0]): Promise<void> {
    const { lastError: _, ...memory } = this.#memory;
    const { failures, earliest, error } = attempt;
    const ended = error === undefined ? {} : { lastError: error };
    this.#memory = { ...memory, failures, earliest, ...ended };
  }

  #takeEntry(entry: LiveEntry): void {
    const key = formatScopeId(entry.scopeId);
    const known = this.#tail.get(key);
    const staysInline = entry.staysInline === true || known?.staysInline === true;
    this.#tail.set(key, {
      scopeId: entry.scopeId,
      boundSeconds: Math.max(entry.boundSeconds, known?.boundSeconds ?? 0),
      expiresAtSeconds: Math.max(entry.expiresAtSeconds, known?.expiresAtSeconds ?? 0),
      ...(staysInline ? { staysInline } : {}),
    });
  }

  #insert({ bucket: _, ...segment }: NewSegment): number {
    this.#segments = [...this.#segments, { ...segment, segmentId: ++this.#segmentIds }];
    return this.#segmentIds;
  }

  #sorted(): LiveEntry[] {
    const rising = [...this.#tail].sort(([one], [other]) => (one < other ? -1 : 1));
    return rising.map(([, entry]) => entry);
  }

  #present(): readonly StoredSegment[] {
    return this.#segments.filter(({ droppedAt }) => droppedAt === undefined);
  }
}
