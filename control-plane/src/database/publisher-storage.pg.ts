/**
 * What the publisher remembers on Node: tables beside the revocation rows, which are its live set. Every
 * process may read it and take sequence numbers, as long as a term lasts that has confirmed this state
 * of the database; all other writes are those of the term's own process.
 */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { secondsOf, type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import { and, asc, desc, eq, gte, inArray, isNull, lte, max, type SQL, sql } from 'drizzle-orm';
import { nextSeq, type StoredKeyset } from '../publication/plan-publication.ts';
import {
  KEYSET_KEPT_MILLISECONDS,
  type Keyset,
  type Moment,
  type PublisherMemory,
  type PublisherStorage,
  TAIL_ENTRIES_READ_MAX,
  TailTooLong,
} from '../publication/publisher-storage.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { isTermHeld } from './publisher-lock.pg.ts';
import { feedSegments, publisher, publisherKeysets } from './publisher-schema.pg.ts';
import {
  CONTENT_OF_ENTRIES,
  createPublisherSegments,
  readSegments,
} from './publisher-segments.pg.ts';
import { elementsOf, isLive } from './revocation-store.pg.ts';
import { revocations } from './schema.pg.ts';

/** No term lasts, or not this one: whoever holds the lock has to confirm the state first. */
class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed';
}

export interface PostgresPublisherParts {
  readonly db: PostgresDatabase;
  /** The term of this process; absent for one that only answers whoever asks. */
  readonly term?: bigint;
}

export function createPublisherStorage(parts: PostgresPublisherParts): PublisherStorage {
  const { db, term } = parts;
  /** A lower one in the database afterwards: an older state was put in its place. */
  const seen = { seq: 0 };
  const isConfirmed = isConfirmedFor(term);

  return {
    segments: createPublisherSegments({ db, isConfirmed, notConfirmed: () => new NotConfirmed() }),

    async memory() {
      const [row] = await answered(db.select().from(publisher).where(eq(publisher.id, 1)));
      const isOfTerm = row !== undefined && row.term === (term ?? row.term);
      return { ...memoryOf(row), isRecovered: isOfTerm && row.seq >= seen.seq };
    },

    revokedForGood: (scopeIds) => revokedForGood(db, scopeIds),

    takeKeyset: (keyset) => takeKeyset(db, keyset, isConfirmed),

    async keyset(hash) {
      const named = db.select().from(publisherKeysets).where(eq(publisherKeysets.hash, hash));
      const [row] = await answered(named);
      return row === undefined ? undefined : { hash, text: row.text, kids: JSON.parse(row.kids) };
    },

    async takeAuditSeal(auditSeal) {
      // Also while the state is not confirmed: a recovery brings it from KV.
      const seal = db.insert(publisher).values({ id: 1, auditSeal });
      await answered(seal.onConflictDoUpdate({ target: publisher.id, set: { auditSeal } }));
    },

    takeMoment: (stamp, clockSkewSeconds) =>
      takeMoment({ ...parts, isConfirmed, seen }, stamp, clockSkewSeconds),

    async keysetWritten(hash, at) {
      const firstWrittenAtMs = sql`coalesce(${publisherKeysets.firstWrittenAtMs}, ${at}::bigint)`;
      const written = { firstWrittenAtMs, lastWrittenAtMs: at };
      const isNamed = eq(publisherKeysets.hash, hash);
      await answered(db.update(publisherKeysets).set(written).where(isNamed));
    },

    async headWritten({ seq, keysetHash, change: publishedChange, at }) {
      // A database that has not got as far as this number was restored since it was taken, and lacks what the
      // head has: if it took the head for its own, nobody would give that back.
      const hasTaken = gte(publisher.seq, seq);
      const written = db
        .update(publisher)
        .set({ publishedSeq: seq, publishedChange, publishedAtMs: at, keysetHash })
        .where(and(isConfirmed, hasTaken));
      const rows = await answered(written.returning({ id: publisher.id }));
      if (rows.length === 0) throw new NotConfirmed();
      await dropOldKeysets(db, keysetHash, at);
    },

    async recovered(lowestSeq) {
      // `term` is that of this process: nobody else recovers.
      const first = { id: 1, term: term ?? null, seq: lowestSeq };
      const seq = sql`greatest(${publisher.seq}, ${lowestSeq}::bigint)`;
      await answered(
        db
          .insert(publisher)
          .values(first)
          .onConflictDoUpdate({ target: publisher.id, set: { term: first.term, seq } }),
      );
      seen.seq = lowestSeq;
    },

    async objectsLost() {
      const never = { firstWrittenAtMs: null, lastWrittenAtMs: null };
      await answered(db.update(publisherKeysets).set(never));
      await answered(db.update(feedSegments).set({ writtenAtMs: null }));
    },

    async attemptEnded({ failures, earliest, error }) {
      // Also of an attempt that could not confirm the state: then there may be no row to write into.
      const ended = { failures, earliestAtMs: earliest, lastError: error ?? null };
      await answered(db.update(publisher).set(ended).where(eq(publisher.id, 1)));
    },
  };
}

/** For the process of the term: that it is still the last one. For others: that some term lasts. */
function isConfirmedFor(term: bigint | undefined): SQL | undefined {
  const isLasting = term === undefined ? isTermHeld(publisher.term) : eq(publisher.term, term);
  return and(eq(publisher.id, 1), isLasting);
}

function memoryOf(row: typeof publisher.$inferSelect | undefined): PublisherMemory {
  const optional = {
    publishedSeq: row?.publishedSeq,
    publishedAt: row?.publishedAtMs,
    keysetHash: row?.keysetHash,
    auditSeal: row?.auditSeal,
    lastError: row?.lastError,
  };
  const known = Object.entries(optional).filter(([, value]) => value != null);
  return {
    isRecovered: false,
    seq: row?.seq ?? 0,
    isChangeWaiting: row !== undefined && row.change > row.publishedChange,
    failures: row?.failures ?? 0,
    earliest: unixMilliseconds(row?.earliestAtMs ?? 0),
    ...Object.fromEntries(known),
  };
}

interface MomentParts extends PostgresPublisherParts {
  readonly isConfirmed: SQL | undefined;
  readonly seen: { seq: number };
}

/**
 * Whoever takes a moment holds the publisher's row until the reads are done, and each statement reads
 * what is committed when it begins. So moments follow one another in the order of their numbers.
 */
async function takeMoment(
  { db, isConfirmed, seen }: MomentParts,
  stamp: UnixMilliseconds,
  clockSkewSeconds: number,
): Promise<Moment> {
  const moment = await inTransaction(db, async (tx) => {
    const [row] = await tx.select().from(publisher).where(isConfirmed).for('update');
    if (row === undefined || row.seq < seen.seq) return undefined;
    const seq = nextSeq(row.seq, stamp);
    await tx.update(publisher).set({ seq }).where(eq(publisher.id, 1));
    const tail = await readTail(tx, secondsOf(stamp) - clockSkewSeconds);
    const segments = await readSegments(tx);
    const keysets = await readKeysets(tx);
    const { change, keysetHash, auditSeal } = row;
    return {
      ...{ seq, change, tail, segments, keysets },
      ...(keysetHash === null ? {} : { reliedKeysetHash: keysetHash }),
      ...(auditSeal === null ? {} : { auditSeal }),
    };
  });
  if (moment === undefined) throw new NotConfirmed();
  seen.seq = Math.max(seen.seq, moment.seq);
  return moment;
}

/**
 * As one value that the server puts together: a row for each of so many entries would take the memory that
 * the publisher is to do without.
 */
async function readTail(
  tx: PostgresDatabase,
  expiresAtSecondsMin: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { scopeId, boundS, effectiveAtS, expiresAtS, segmentId } = revocations;
  const isLive = and(gte(expiresAtS, expiresAtSecondsMin), lte(effectiveAtS, NOW_S));
  const entries = tx
    .select({ scope: sql`${scopeId}`.as('scope'), bound: max(boundS).as('bound') })
    .from(revocations)
    .where(and(isNull(segmentId), isLive))
    .groupBy(scopeId)
    .limit(TAIL_ENTRIES_READ_MAX + 1)
    .as('entries');
  const [tail] = await tx
    .select({ count: sql`count(*)`.mapWith(Number), content: CONTENT_OF_ENTRIES })
    .from(entries);
  if (tail === undefined || tail.count > TAIL_ENTRIES_READ_MAX) throw new TailTooLong();
  return new Uint8Array(tail.content ?? []);
}

async function readKeysets(tx: PostgresDatabase): Promise<readonly StoredKeyset[]> {
  const { hash, firstWrittenAtMs, lastWrittenAtMs, position } = publisherKeysets;
  const rows = await tx
    .select({ hash, first: firstWrittenAtMs, last: lastWrittenAtMs })
    .from(publisherKeysets)
    .orderBy(asc(position));
  return rows.map((row) => ({
    hash: row.hash,
    ...(row.first === null ? {} : { firstWrittenAt: unixMilliseconds(row.first) }),
    ...(row.last === null ? {} : { lastWrittenAt: unixMilliseconds(row.last) }),
  }));
}

async function revokedForGood(
  db: PostgresDatabase,
  scopeIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const isNamed = inArray(revocations.scopeId, elementsOf(scopeIds));
  const isForGood = and(eq(revocations.boundS, FOR_GOOD), isLive);
  const rows = await answered(
    db
      .selectDistinct({ scopeId: revocations.scopeId })
      .from(revocations)
      .where(and(isNamed, isForGood)),
  );
  return new Set(rows.map(({ scopeId }) => scopeId));
}

async function takeKeyset(
  db: PostgresDatabase,
  keyset: Keyset,
  isConfirmed: SQL | undefined,
): Promise<void> {
  const taken = await inTransaction(db, async (tx) => {
    const [row] = await tx.select().from(publisher).where(isConfirmed).for('update');
    if (row === undefined) return 'not_confirmed';
    const { hash, position } = publisherKeysets;
    const newest = tx.select({ hash, position }).from(publisherKeysets);
    const [last] = await newest.orderBy(desc(position)).limit(1);
    if (last?.hash === keyset.hash) return 'taken';
    const next = {
      position: (last?.position ?? 0) + 1,
      firstWrittenAtMs: null,
      lastWrittenAtMs: null,
    };
    await tx
      .insert(publisherKeysets)
      .values({ ...keyset, kids: JSON.stringify(keyset.kids), ...next })
      .onConflictDoUpdate({ target: hash, set: next });
    await tx
      .update(publisher)
      .set({ change: row.change + 1 })
      .where(eq(publisher.id, 1));
    return 'taken';
  });
  if (taken === 'not_confirmed') throw new NotConfirmed();
}

/** Those that no head names which an edge could still trust. */
async function dropOldKeysets(
  db: PostgresDatabase,
  keysetHash: string,
  now: UnixMilliseconds,
): Promise<void> {
  const { hash, position, lastWrittenAtMs } = publisherKeysets;
  const named = db.select({ position }).from(publisherKeysets).where(eq(hash, keysetHash));
  const isOlder = sql`${position} < (${named})`;
  const isUnused = sql`coalesce(${lastWrittenAtMs}, 0) < ${now - KEYSET_KEPT_MILLISECONDS}::bigint`;
  await answered(db.delete(publisherKeysets).where(and(isOlder, isUnused)));
}
