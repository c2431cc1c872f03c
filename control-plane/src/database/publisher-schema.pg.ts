/**
 * What the publisher remembers in PostgreSQL and PGlite: what the hub has in its own SQLite on Workers,
 * but for the entries, which are the revocation rows themselves.
 */

import { bigint, integer, pgTable } from 'drizzle-orm/pg-core';
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
