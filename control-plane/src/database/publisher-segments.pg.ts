/**
 * Segments of the feed in PostgreSQL. Revocation rows point to the segment that they were put into, in the
 * transaction that makes it, so that a row is in the tail or in a segment and never in neither. The
 * server puts contents together itself: no row of a flush travels, and no content of a merge.
 */

import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import { type UnixMilliseconds, unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import {
  and,
  asc,
  count,
  eq,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  type SQL,
  sql,
} from 'drizzle-orm';
import {
  SEGMENT_KEPT_MILLISECONDS,
  type SegmentMerge,
  type SegmentStorage,
  type TailFlush,
} from '../publication/publisher-storage.ts';
import type { SegmentState, StoredSegment } from '../publication/segments/plan-segments.ts';
import { answered, inTransaction, undo } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { feedSegments, publisher } from './publisher-schema.pg.ts';
import { revocations } from './schema.pg.ts';

/** Of a content that is read: as base64 below the 64 KiB that Node reads at once, which takes no copy. */
const PORTION_BYTES = 36 * 1024;

export interface PostgresSegmentsParts {
  readonly db: PostgresDatabase;
  /** Holds while this process may change the publisher's row. */
  readonly isConfirmed: SQL | undefined;
  /** Thrown where it does not hold. */
  readonly notConfirmed: () => Error;
}

/** Rows that no segment has, and that may be put into one: docs/feed.md, "Entry". */
const MAY_LEAVE_TAIL = and(
  isNull(revocations.segmentId),
  lte(revocations.effectiveAtS, NOW_S),
  ne(revocations.scope, 'signing_key'),
  ne(revocations.scopeId, '0'.repeat(16)),
);

/**
 * Of rows with a `scope` and a `bound`: 12 bytes for each, in the order of the format (`shared/feed/entry`).
 * `COLLATE "C"`: the hexadecimal text sorts like the number that it writes. Null if there are none.
 */
export const CONTENT_OF_ENTRIES = sql<Uint8Array | null>`string_agg(
  decode(scope || lpad(to_hex(bound), 8, '0'), 'hex'), ''::bytea ORDER BY scope COLLATE "C")`;

export function createPublisherSegments(parts: PostgresSegmentsParts): SegmentStorage {
  const { db } = parts;
  return {
    async state({ bucketSeconds, expiresAtSecondsMin }) {
      const bucket = sql<number>`${revocations.expiresAtS} / ${bucketSeconds}::bigint`;
      const tail = db
        .select({
          bucket: sql<number>`bucket`.mapWith(Number),
          entryCount: sql<number>`count(*)`.mapWith(Number),
        })
        .from(
          db
            .select({ bucket: bucket.as('bucket') })
            .from(revocations)
            .where(and(MAY_LEAVE_TAIL, gte(revocations.expiresAtS, expiresAtSecondsMin)))
            .as('tail'),
        )
        .groupBy(sql`bucket`);
      const state: SegmentState = {
        segments: await answered(readSegments(db)),
        tail: await answered(tail),
      };
      return state;
    },

    present: () => answered(readSegments(db)),

    flush: (flush) => confirmed(parts, (tx) => flushTail(tx, flush)),

    merge: (merge) => confirmed(parts, (tx) => mergeSegments(tx, merge)),

    content: (hash) => readContent(db, hash),

    async written(hash, at) {
      const isNew = and(eq(feedSegments.hash, hash), isNull(feedSegments.writtenAtMs));
      await answered(db.update(feedSegments).set({ writtenAtMs: at }).where(isNew));
    },

    drop: (segmentIds, at) => confirmed(parts, (tx) => dropSegments(tx, segmentIds, at)),
  };
}

/** For a moment, which reads it together with the tail. */
export async function readSegments(db: PostgresDatabase): Promise<StoredSegment[]> {
  const { segmentId, hash, entryCount, expiresAtS, writtenAtMs, mergedInto } = feedSegments;
  const rows = await db
    .select({ segmentId, hash, entryCount, expiresAtS, writtenAtMs, mergedInto })
    .from(feedSegments)
    .where(and(isNull(feedSegments.droppedAtMs), isNotNull(hash)))
    .orderBy(asc(segmentId));
  return rows.map((row) => ({
    segmentId: row.segmentId,
    hash: row.hash ?? '',
    entryCount: row.entryCount,
    expiresAtSeconds: unixSeconds(row.expiresAtS),
    ...(row.writtenAtMs === null ? {} : { writtenAt: unixMilliseconds(row.writtenAtMs) }),
    ...(row.mergedInto === null ? {} : { mergedInto: row.mergedInto }),
  }));
}

/**
 * In portions and as base64: as one value it is a hexadecimal text of twice its length, of which the driver
 * makes three copies that V8 collects late.
 */
async function readContent(
  db: PostgresDatabase,
  hash: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { content } = feedSegments;
  const isNamed = and(eq(feedSegments.hash, hash), isNotNull(content));
  const length = sql`octet_length(${content})`.mapWith(Number);
  const [named] = await answered(db.select({ length }).from(feedSegments).where(isNamed).limit(1));
  if (named === undefined) return undefined;
  const bytes = new Uint8Array(named.length);
  for (let at = 0; at < bytes.length; at += PORTION_BYTES) {
    const part = sql`substr(${content}, ${at + 1}::int, ${PORTION_BYTES}::int)`;
    const base64 = sql<string>`encode(${part}, 'base64')`;
    const portions = db.select({ base64 }).from(feedSegments).where(isNamed).limit(1);
    const [portion] = await answered(portions);
    if (portion === undefined) return undefined; // It was removed meanwhile.
    const latin1 = atob(portion.base64); // Which skips the line breaks of `encode`.
    for (let i = 0; i < latin1.length; i++) bytes[at + i] = latin1.charCodeAt(i);
  }
  return bytes;
}

/** One transaction under the publisher's row: no moment is taken between its statements. */
async function confirmed<T>(
  { db, isConfirmed, notConfirmed }: PostgresSegmentsParts,
  work: (tx: PostgresDatabase) => Promise<T>,
): Promise<T> {
  const outcome = await inTransaction(db, async (tx) => {
    const row = tx.select({ id: publisher.id }).from(publisher).where(isConfirmed).for('update');
    return (await row).length === 0 ? undefined : { done: await work(tx) };
  });
  if (outcome === undefined) throw notConfirmed();
  return outcome.done;
}

async function insertSegment(
  tx: PostgresDatabase,
  made: { readonly bucket: number; readonly expiresAtS: number },
): Promise<number> {
  const { segmentId } = feedSegments;
  const [inserted] = await tx.insert(feedSegments).values(made).returning({ segmentId });
  if (inserted === undefined) throw new TypeError('An unguarded insert returned no row.');
  return inserted.segmentId;
}

async function flushTail(tx: PostgresDatabase, flush: TailFlush): Promise<number> {
  const { bucket, bucketSeconds, entriesMax, expiresAtSecondsMin } = flush;
  const { expiresAtS } = revocations;
  const from = Math.max(bucket * bucketSeconds, expiresAtSecondsMin);
  const isOfBucket = and(gte(expiresAtS, from), lt(expiresAtS, (bucket + 1) * bucketSeconds));
  const oldest = tx
    .select({ ctid: sql`ctid` })
    .from(revocations)
    .where(and(MAY_LEAVE_TAIL, isOfBucket))
    .orderBy(asc(expiresAtS))
    .limit(entriesMax);
  const segmentId = await insertSegment(tx, { bucket, expiresAtS: from });
  // The rows are chosen once, and found where they are. Those committed after this statement began, or
  // changed meanwhile, stay in the tail.
  await tx.update(revocations).set({ segmentId }).where(sql`ctid = ANY (ARRAY(${oldest}))`);
  const [filled] = await tx
    .update(feedSegments)
    .set({
      content: sql`content_of_rows`,
      hash: sql`encode(sha256(content_of_rows), 'hex')`,
      entryCount: sql`scopes`,
      expiresAtS: sql`latest_end`,
    })
    .from(contentOf(segmentId))
    .where(and(eq(feedSegments.segmentId, segmentId), sql`scopes > 0`))
    .returning({ rows: sql`row_count`.mapWith(Number) });
  return filled?.rows ?? undo({ done: 0 }); // Nothing to flush: nothing has happened.
}

/** The entries of the rows of a segment, 12 bytes each (`shared/feed/entry`), as one value. */
function contentOf(segmentId: number): SQL {
  const { scopeId, boundS, expiresAtS } = revocations;
  return sql`(SELECT count(*) AS scopes, sum(row_number) AS row_count, max(end_s) AS latest_end,
      ${CONTENT_OF_ENTRIES} AS content_of_rows
    FROM (SELECT ${scopeId} AS scope, max(${boundS}) AS bound, max(${expiresAtS}) AS end_s,
        count(*) AS row_number
      FROM ${revocations} WHERE ${revocations.segmentId} = ${segmentId} GROUP BY ${scopeId})
      AS entries) AS made`;
}

async function mergeSegments(tx: PostgresDatabase, merge: SegmentMerge): Promise<void> {
  const { sources, bucket, expiresAtSeconds } = merge;
  const { content, hash, mergedInto, segmentId } = feedSegments;
  const mergedId = await insertSegment(tx, { bucket, expiresAtS: expiresAtSeconds });
  const isSource = inArray(
    segmentId,
    sources.map((source) => source.segmentId),
  );
  const isWhole = and(isSource, sql`${hash} = encode(sha256(${content}), 'hex')`);
  const wholeOnes = tx.select({ count: count() }).from(feedSegments).where(isWhole);
  const filled = await tx
    .update(feedSegments)
    .set({
      content: sql`content_of_sources`,
      hash: sql`encode(sha256(content_of_sources), 'hex')`,
      entryCount: sql`octet_length(content_of_sources) / ${ENTRY_BYTES}::int`,
    })
    .from(contentOfSegments(isSource))
    .where(and(eq(segmentId, mergedId), sql`(${wholeOnes}) = ${sources.length}::int`))
    .returning({ segmentId });
  if (filled.length === 0) throw new TypeError('The content of a segment is not there.');
  const isLeft = and(isSource, isNull(mergedInto));
  await tx.update(feedSegments).set({ mergedInto: mergedId }).where(isLeft);
}

/**
 * The entries of segments as one value: every scope once, under the highest of its bounds. `||` brings a
 * content into memory, and `OFFSET 0` once for all of its entries.
 */
function contentOfSegments(isSource: SQL | undefined): SQL {
  const { content } = feedSegments;
  return sql`(SELECT string_agg(entry, ''::bytea ORDER BY entry) AS content_of_sources
    FROM (SELECT DISTINCT ON (substr(entry, 1, 8)) entry
      FROM (SELECT substr(whole, place, ${ENTRY_BYTES}::int) AS entry
        FROM (SELECT ${content} || ''::bytea AS whole FROM ${feedSegments} WHERE ${isSource} OFFSET 0)
            AS contents,
          generate_series(1, octet_length(whole), ${ENTRY_BYTES}::int) AS place) AS entries
      ORDER BY substr(entry, 1, 8), entry DESC) AS highest) AS made`;
}

async function dropSegments(
  tx: PostgresDatabase,
  segmentIds: readonly number[],
  at: UnixMilliseconds,
): Promise<void> {
  const { droppedAtMs, segmentId } = feedSegments;
  const isNamed = and(inArray(segmentId, [...segmentIds]), isNull(droppedAtMs));
  if (segmentIds.length > 0) {
    await tx.update(feedSegments).set({ droppedAtMs: at }).where(isNamed);
  }
  await tx.delete(feedSegments).where(lt(droppedAtMs, at - SEGMENT_KEPT_MILLISECONDS));
}
