/**
 * The lock of the single writer of the feed: advisory locks of PostgreSQL, held by a session of their own.
 * A process that dies loses the session and with it the locks; one that stands still, or is cut off,
 * loses them when the server has not heard of it for {@link SILENCE_MILLISECONDS_MAX}.
 */

import type { RandomBytes } from '@cardea/shared/crypto/random';
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { PublisherBell, PublisherLock } from '../publication/publisher-lock.ts';
import { within } from '../within.ts';
import type { PostgresConnection, PostgresDatabase } from './postgres.ts';

/** 'cardea' in ASCII. A database belongs to one environment. */
const PUBLISHER_LOCK = '109270182159713';

/** The holder asks every second whether it still is (`node-publisher`). */
const SILENCE_MILLISECONDS_MAX = 5000;
/** No answer for so long: the lock counts as lost. */
const ANSWER_MILLISECONDS_MAX = 2000;

/** A number of 64 bits in `pg_locks`, as `pg_advisory_lock(bigint)` writes it. */
const LOCK_NUMBER = sql.raw('((classid::bigint << 32) | objid::bigint)');

/** Holds while some session has the lock of the number `term`, in this database. */
export function isTermHeld(term: SQLWrapper): SQL {
  return sql`EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ${LOCK_NUMBER} = ${term})`;
}

/** For PostgreSQL. The URL must lead to the server itself, or to a pooler in session mode. */
export function createPublisherLock(url: string, randomBytes: RandomBytes): PublisherLock {
  let client: ReturnType<typeof openSession> | undefined;
  const drop = async () => {
    const dropped = client;
    client = undefined;
    await dropped?.end({ timeout: 0 }).catch(() => {}); // It is given up: how it ends is all one.
  };
  return {
    async acquire() {
      client ??= openSession(url);
      const session = client;
      const acquired = await orNothing(takeLocks(drizzle(session), randomBytes));
      if (acquired === undefined) await drop();
      if (acquired === undefined || acquired.id === undefined) return undefined;
      const { id } = acquired;
      return {
        id,
        async isHeld() {
          if (client !== session) return false;
          // The driver opens a new session when one has ended: that one has no locks.
          const isHeld = (await orNothing(hasLock(drizzle(session), id))) === true;
          if (!isHeld && client === session) await drop();
          return isHeld;
        },
      };
    },
    close: drop,
  };
}

/** For PGlite: one process a folder and one session, which holds the lock from the first moment on. */
export function createEmbeddedPublisherLock(
  db: PostgresDatabase,
  randomBytes: RandomBytes,
): PublisherLock {
  return {
    async acquire() {
      const acquired = await orNothing(takeLocks(db, randomBytes));
      if (acquired?.id === undefined) return undefined;
      const { id } = acquired;
      return { id, isHeld: async () => (await orNothing(hasLock(db, id))) === true };
    },
    close: async () => {
      await orNothing(Promise.resolve(db.execute(sql`SELECT pg_advisory_unlock_all()`)));
    },
  };
}

function openSession(url: string) {
  return postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: ANSWER_MILLISECONDS_MAX / 1000,
    fetch_types: false,
    onnotice: () => {},
    connection: {
      application_name: 'cardea-publisher',
      statement_timeout: ANSWER_MILLISECONDS_MAX,
      idle_session_timeout: SILENCE_MILLISECONDS_MAX,
    },
  });
}

/**
 * The lock of the publisher, and one under the id of the term, by which others can tell that the
 * term lasts. `id` is absent if the former is taken.
 */
async function takeLocks(
  session: PostgresDatabase,
  randomBytes: RandomBytes,
): Promise<{ readonly id?: bigint }> {
  const isTaken = sql`SELECT pg_try_advisory_lock(${PUBLISHER_LOCK}::bigint) AS is_ours`;
  if (!(await isTrue(session, isTaken))) return {};
  // Positive, and below 2^63.
  const id = BigInt.asUintN(63, new DataView(randomBytes(8).slice().buffer).getBigInt64(0));
  await session.execute(sql`SELECT pg_advisory_lock(${String(id)}::bigint)`);
  return { id };
}

/** This very session, not another one: its process id is asked for in the same statement. */
async function hasLock(session: PostgresDatabase, id: bigint): Promise<boolean> {
  return isTrue(
    session,
    sql`SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
      AND granted AND pid = pg_backend_pid() AND ${LOCK_NUMBER} = ${String(id)}::bigint) AS is_ours`,
  );
}

async function isTrue(session: PostgresDatabase, query: SQL): Promise<boolean> {
  const answer: unknown = await session.execute(query);
  // postgres.js answers with the rows, PGlite with an object that has them.
  const rows = Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows;
  return (rows[0] as { is_ours?: unknown } | undefined)?.is_ours === true;
}

/** Whatever keeps the answer away, nothing is held. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await within(ANSWER_MILLISECONDS_MAX, answer);
  } catch (error) {
    if (error instanceof TypeError) throw error; // A bug, not an outage.
    return undefined;
  }
}

const CHANNEL = 'cardea_publisher';

/** `LISTEN` and `NOTIFY`: a missed ring costs a heartbeat at most. */
export function createPublisherBell({
  sql: client,
}: Pick<PostgresConnection, 'sql'>): PublisherBell {
  return {
    async ring() {
      await client.notify(CHANNEL, '');
    },
    async listen(heard) {
      // Called at each ring, and whenever the connection was made anew.
      const { unlisten } = await client.listen(CHANNEL, heard, heard);
      return unlisten;
    },
  };
}
