/**
 * What the publisher remembers in PostgreSQL and PGlite: what the hub has in its own SQLite on Workers,
 * but for the entries, which are the revocation rows themselves.
 */

import { bigint, customType, index, integer, pgTable } from 'drizzle-orm/pg-core';
import { text, time } from './schema.pg.ts';

/** One row. `change` counts what edges have to be told. */
export const publisher = pgTable('publisher', {
  id: integer().primaryKey(),
  /** The term that has confirmed this state; a lock of this number is held as long as it lasts. */
  term: bigint({ mode: 'bigint' }),
  seq: bigint({ mode: 'number' }).notNull().default(0),
  change: bigint({ mode: 'number' }).notNull().default(0),
  publishedChange: bigint('published_change', { mode: 'number' }).notNull().default(0),
  publishedSeq: bigint('published_seq', { mode: 'number' }),
  publishedAtMs: time('published_at_ms'),
  keysetHash: text('keyset_hash'),
  auditSeal: text('audit_seal'),
  failures: integer().notNull().default(0),
  earliestAtMs: time('earliest_at_ms').notNull().default(0),
  lastError: text('last_error'),
});

export const publisherKeysets = pgTable('publisher_keysets', {
  hash: text().primaryKey(),
  text: text().notNull(),
  /** JSON array of texts. */
  kids: text().notNull(),
  /** The highest is the newest. */
  position: bigint({ mode: 'number' }).notNull(),
  firstWrittenAtMs: time('first_written_at_ms'),
  lastWrittenAtMs: time('last_written_at_ms'),
});

/** One row: how far a publisher with a storage of its own has come (`publication/restoration`). */
export const publicationMarks = pgTable('publication_marks', {
  id: integer().primaryKey(),
  mark: bigint({ mode: 'number' }).notNull(),
});

const bytea = customType<{ data: Uint8Array<ArrayBuffer> }>({ dataType: () => 'bytea' });

/**
 * Segments of the feed. Rows of `revocations` point here; until the head may rely on a segment its entries
 * stand in the head as well.
 */
export const feedSegments = pgTable(
  'feed_segments',
  {
    segmentId: bigint('segment_id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Entries whose end lies in the same stretch of time share a bucket. */
    bucket: bigint({ mode: 'number' }).notNull(),
    /** SHA-256 of the content; null while it is being made. */
    hash: text(),
    content: bytea(),
    entryCount: integer('entry_count').notNull().default(0),
    expiresAtS: time('expires_at_s').notNull(),
    /** When the feed's store confirmed the object. */
    writtenAtMs: time('written_at_ms'),
    /** The segment that its entries were merged into. */
    mergedInto: bigint('merged_into', { mode: 'number' }),
    /** Since then no head has named it; it is kept for a while for whoever still holds an older head. */
    droppedAtMs: time('dropped_at_ms'),
  },
  (table) => [index('feed_segments_by_hash').on(table.hash)],
);

/** Edges that ask for the head: what they hold, as they say it themselves. */
export const edgeSightings = pgTable('edge_sightings', {
  edge: text().primaryKey(),
  seq: bigint({ mode: 'number' }).notNull(),
  seenAtMs: time('seen_at_ms').notNull(),
});
