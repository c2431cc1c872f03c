/**
 * Runs statements and transactions of the stores. An outage becomes the `StoreUnavailable` that operations
 * know; a statement that the server refuses for what it says stays what it is.
 */

import { StoreUnavailable } from '../store-unavailable.ts';
import { within } from '../within.ts';
import type { PostgresDatabase } from './postgres.ts';
import { isOutage, sqlStateOf } from './postgres-errors.ts';

/**
 * Longest wait for an answer, a free connection included, milliseconds. Above the server's own limit
 * for a statement, for a server or a network that no longer answers at all.
 */
const ANSWER_MILLISECONDS_MAX = 8_000;

/** Runs of a transaction that the server gives up to let another one pass. */
const RUNS_MAX = 5;

/** PostgreSQL, Appendix A: a serialization failure and a deadlock. The next run may well succeed. */
const YIELDED = /^40(001|P01)$/;

/** The answer of one statement. */
export async function answered<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await within(ANSWER_MILLISECONDS_MAX, query);
  } catch (error) {
    throw asOutage(error);
  }
}

/**
 * The outcome of a transaction (READ COMMITTED: each statement sees what is committed before it). All
 * of it happens or none of it. Given up to let another one pass, it runs again.
 */
export async function inTransaction<T>(
  db: PostgresDatabase,
  work: (transaction: PostgresDatabase) => Promise<T>,
): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await runOnce(db, work);
    } catch (error) {
      if (error instanceof Undone) return error.outcome as T; // Of `work`, through `undo`.
      if (run === RUNS_MAX || !YIELDED.test(sqlStateOf(error) ?? '')) throw asOutage(error);
    }
  }
}

/** Ends the transaction with this outcome, and with nothing changed. */
export function undo(outcome: unknown): never {
  throw new Undone(outcome);
}

class Undone extends Error {
  override readonly name = 'Undone';
  readonly outcome: unknown;

  constructor(outcome: unknown) {
    super('The transaction is undone.');
    this.outcome = outcome;
  }
}

/** What was not begun in time is not begun later, when nobody waits for it any more. */
async function runOnce<T>(
  db: PostgresDatabase,
  work: (transaction: PostgresDatabase) => Promise<T>,
): Promise<T> {
  let isAwaited = true;
  const transaction = db.transaction(async (tx) => {
    if (!isAwaited) throw new StoreUnavailable();
    return work(tx);
  });
  try {
    return await within(ANSWER_MILLISECONDS_MAX, transaction);
  } finally {
    isAwaited = false;
  }
}

function asOutage(error: unknown): unknown {
  return isOutage(error) ? new StoreUnavailable({ cause: error }) : error;
}
