/**
 * Tells outages of PostgreSQL from bugs of ours. An outage becomes the `StoreUnavailable` that
 * operations know; a statement that the server refuses for what it says stays what it is.
 */

import { StoreUnavailable } from '../store-unavailable.ts';
import { TimedOut, within } from '../within.ts';
import type { PostgresDatabase } from './postgres.ts';

/**
 * Longest wait for an answer, a free connection included, milliseconds. Above the server's own limit
 * for a statement, for a server or a network that no longer answers at all.
 */
const ANSWER_MILLISECONDS_MAX = 8_000;

/** Runs of a transaction that the server gives up to let another one pass. */
const RUNS_MAX = 5;

/** PostgreSQL, Appendix A: a serialization failure and a deadlock. The next run may well succeed. */
const YIELDED = /^40(001|P01)$/;

/**
 * What no change of the statement would help: connection (08), no such user or database (28, 3D),
 * read-only after a failover (25006), idle too long in a transaction (25P03, 25P04), yielded too often
 * (40), resources (53), lock not to be had (55P03), stopped or cancelled (57), system (58).
 */
const OUTAGES = /^(08|28|3D|53|57|58)...$|^(25006|25P03|25P04|40001|40P01|55P03)$/;

/** Refusals of postgres.js to run a statement of ours: everything else it throws is about the wire. */
const MISUSE =
  /^(UNDEFINED_VALUE|MAX_PARAMETERS_EXCEEDED|NOT_TAGGED_CALL|UNSAFE_TRANSACTION|SASL_|INVALID_)/;

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

/** Exported for tests. */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof TimedOut) return true;
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return OUTAGES.test(sqlState);
  // Without an answer of the server: the connection failed, or the driver did not take the statement.
  const origin = originOf(error);
  if (!(origin instanceof Error) || origin instanceof TypeError) return false;
  return !MISUSE.test(codeOf(origin) ?? '') && !(origin instanceof RangeError);
}

function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(originOf(error));
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function codeOf(error: unknown): string | undefined {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return isCoded ? String(error.code) : undefined;
}

/** drizzle wraps what the driver throws. */
function originOf(error: unknown): unknown {
  let origin = error;
  while (origin instanceof Error && origin.cause !== undefined) origin = origin.cause;
  return origin;
}
