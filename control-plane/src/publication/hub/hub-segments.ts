/**
 * Segments in the hub's own SQLite. A flush moves entries out of the table of the tail into the content
 * of a segment: one value, of which a Durable Object takes 2 MB.
 */

import { encodeEntries } from '@cardea/shared/feed/entry';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { parseScopeId } from '@cardea/shared/feed/scope-id';
import { type UnixMilliseconds, unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import {
  type NewSegment,
  SEGMENT_KEPT_MILLISECONDS,
  type SegmentMerge,
  type SegmentStorage,
  type TailFlush,
} from '../publisher-storage.ts';
import { mergedSegment } from '../segments/merged-segment.ts';
import type { SegmentState, StoredSegment, TailBucket } from '../segments/plan-segments.ts';

const TABLES = [
  `CREATE TABLE IF NOT EXISTS segments (
     segment_id INTEGER PRIMARY KEY AUTOINCREMENT,
     hash TEXT NOT NULL,
     content BLOB NOT NULL,
     entry_count INTEGER NOT NULL,
     expires_at_s INTEGER NOT NULL,
     written_at_ms INTEGER,
     merged_into INTEGER,
     dropped_at_ms INTEGER)`,
  'CREATE INDEX IF NOT EXISTS segments_by_hash ON segments (hash)',
];

export class HubSegments implements SegmentStorage {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    for (const table of TABLES) this.#sql(table);
  }

  async state(rules: Parameters<SegmentStorage['state']>[0]): Promise<SegmentState> {
    const rows = this.#storage.sql.exec<{ bucket: number; entries: number }>(
      // A Durable Object takes every number as REAL: each second would be a bucket of its own.
      `SELECT expires_at_s / CAST(? AS INTEGER) AS bucket, count(*) AS entries FROM entries
       WHERE expires_at_s >= ? AND scope_id NOT IN (SELECT scope_id FROM inline_scopes)
       GROUP BY bucket`,
      ...[rules.bucketSeconds, rules.expiresAtSecondsMin],
    );
    const tail: TailBucket[] = [];
    for (const { bucket, entries } of rows) tail.push({ bucket, entryCount: entries });
    return { segments: this.read(), tail };
  }

  async present(): Promise<readonly StoredSegment[]> {
    return this.read();
  }

  /** As `present`. Synchronous: part of a moment. */
  read(): StoredSegment[] {
    const rows = this.#storage.sql.exec<SegmentRow>(
      `SELECT segment_id, hash, entry_count, expires_at_s, written_at_ms, merged_into
       FROM segments WHERE dropped_at_ms IS NULL ORDER BY segment_id`,
    );
    return [...rows].map((row) => ({
      segmentId: row.segment_id,
      hash: row.hash,
      entryCount: row.entry_count,
      expiresAtSeconds: unixSeconds(row.expires_at_s),
      ...(row.written_at_ms === null ? {} : { writtenAt: unixMilliseconds(row.written_at_ms) }),
      ...(row.merged_into === null ? {} : { mergedInto: row.merged_into }),
    }));
  }

  async flush(flush: TailFlush): Promise<number> {
    const rows = this.#oldest(flush);
    if (rows.length === 0) return 0;
    const content = encodeEntries(rows.map(toEntry));
    // The hash is awaited: what comes in meanwhile may raise an entry, which then stays in the tail.
    const hash = await objectHash(content);
    const taken = rows.map((row) => [row.scope_id, row.bound_s, row.expires_at_s]);
    this.#storage.transactionSync(() => {
      const end = rows.reduce((latest, row) => Math.max(latest, row.expires_at_s), 0);
      this.#insert({ hash, content, entryCount: rows.length, expiresAtSeconds: unixSeconds(end) });
      this.#sql(
        `DELETE FROM entries WHERE (scope_id, bound_s, expires_at_s) IN
           (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))`,
        JSON.stringify(taken),
      );
    });
    await this.#storage.sync();
    return rows.length;
  }

  async merge(merge: SegmentMerge): Promise<void> {
    const sourceIds = merge.sources.map(({ segmentId }) => segmentId);
    const merged = await mergedSegment(this, merge);
    this.#storage.transactionSync(() => {
      const segmentId = this.#insert(merged);
      this.#sql(
        `UPDATE segments SET merged_into = ?
         WHERE merged_into IS NULL AND segment_id IN (SELECT value FROM json_each(?))`,
        ...[segmentId, JSON.stringify(sourceIds)],
      );
    });
    await this.#storage.sync();
  }

  async adopt(segment: NewSegment): Promise<void> {
    const present = 'SELECT 1 FROM segments WHERE hash = ? AND dropped_at_ms IS NULL';
    if (this.#storage.sql.exec(present, segment.hash).toArray().length > 0) return;
    this.#insert(segment);
    await this.#storage.sync();
  }

  async content(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const named = 'SELECT content FROM segments WHERE hash = ? LIMIT 1';
    const [row] = this.#storage.sql.exec<{ content: ArrayBuffer }>(named, hash).toArray();
    return row === undefined ? undefined : new Uint8Array(row.content);
  }

  async written(hash: string, at: UnixMilliseconds): Promise<void> {
    this.#sql(
      'UPDATE segments SET written_at_ms = ? WHERE hash = ? AND written_at_ms IS NULL',
      ...[at, hash],
    );
    await this.#storage.sync();
  }

  async drop(segmentIds: readonly number[], at: UnixMilliseconds): Promise<void> {
    this.#storage.transactionSync(() => {
      this.#sql(
        `UPDATE segments SET dropped_at_ms = ?
         WHERE dropped_at_ms IS NULL AND segment_id IN (SELECT value FROM json_each(?))`,
        ...[at, JSON.stringify(segmentIds)],
      );
      this.#sql('DELETE FROM segments WHERE dropped_at_ms < ?', at - SEGMENT_KEPT_MILLISECONDS);
    });
    await this.#storage.sync();
  }

  #oldest({ bucket, bucketSeconds, entriesMax, expiresAtSecondsMin }: TailFlush): EntryRow[] {
    const rows = this.#storage.sql.exec<EntryRow>(
      `SELECT * FROM (
         SELECT scope_id, bound_s, expires_at_s FROM entries
         WHERE expires_at_s >= ? AND expires_at_s < ?
           AND scope_id NOT IN (SELECT scope_id FROM inline_scopes)
         ORDER BY expires_at_s LIMIT ?)
       ORDER BY scope_id`,
      Math.max(bucket * bucketSeconds, expiresAtSecondsMin),
      ...[(bucket + 1) * bucketSeconds, entriesMax],
    );
    return rows.toArray();
  }

  /** Two statements: a cursor of RETURNING that is not read to its end would keep a transaction open. */
  #insert(segment: Omit<NewSegment, 'bucket'>): number {
    const { hash, content, entryCount, expiresAtSeconds, writtenAt } = segment;
    this.#storage.sql.exec(
      `INSERT INTO segments (hash, content, entry_count, expires_at_s, written_at_ms)
       VALUES (?, ?, ?, ?, ?)`,
      ...[hash, content, entryCount, expiresAtSeconds, writtenAt ?? null],
    );
    const newest = 'SELECT max(segment_id) AS segment_id FROM segments';
    return this.#storage.sql.exec<{ segment_id: number }>(newest).one().segment_id;
  }

  #sql(statement: string, ...parameters: ReadonlyArray<string | number | null>): void {
    this.#storage.sql.exec(statement, ...parameters);
  }
}

type EntryRow = { scope_id: string; bound_s: number; expires_at_s: number };

type SegmentRow = {
  segment_id: number;
  hash: string;
  entry_count: number;
  expires_at_s: number;
  written_at_ms: number | null;
  merged_into: number | null;
};

function toEntry({ scope_id, bound_s }: EntryRow) {
  const scopeId = parseScopeId(scope_id);
  if (scopeId === undefined) throw new TypeError('An entry has no scope id.');
  return { scopeId, boundSeconds: bound_s };
}
