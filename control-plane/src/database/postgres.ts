/**
 * Connects to PostgreSQL: on Node through a pool, on Workers to Hyperdrive, which has the pool. The
 * stores (`*.pg.ts`) take a {@link PostgresDatabase} and do not know which driver is behind it.
 * PGlite, for Node alone, is opened by `pglite.ts`: Workers must not bundle it.
 */

import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql, type TransactionSql } from 'postgres';
import { StoreUnavailable } from '../store-unavailable.ts';
import { isConnectionLost } from './postgres-errors.ts';

/** What the stores use: drizzle over either driver. Rows only: the drivers' other answers differ. */
export type PostgresDatabase = PgDatabase<PgQueryResultHKT>;

export interface PostgresOptions {
  /** Connections of the pool. */
  readonly connectionsMax?: number;
  readonly connectTimeoutSeconds?: number;
  /** Longest statement, milliseconds; the server ends it. 0: sends no limits to the server. */
  readonly statementTimeoutMilliseconds?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

export interface PostgresConnection {
  readonly db: PostgresDatabase;
  /** postgres.js itself, for what drizzle has no words for: session locks, `LISTEN`. */
  readonly sql: Sql;
  /** Lets running statements finish, for at most 5 seconds, and closes every connection. */
  close(): Promise<void>;
}

const CLOSE_SECONDS_MAX = 5;
/** Between two attempts to connect, for each connection of the pool, when statements ask for one. */
const RECONNECT_SECONDS = 0.2;

/** Opens no connection yet: the first statement does. A bad address shows there. */
export function connectPostgres(url: string, options: PostgresOptions = {}): PostgresConnection {
  const statementTimeout = options.statementTimeoutMilliseconds ?? 5_000;
  const sql = postgres(url, {
    max: options.connectionsMax ?? 10,
    connect_timeout: options.connectTimeoutSeconds ?? 5,
    // By itself it waits up to 20 s after failures, and statements wait with it: an outage would be
    // told late, and its end too.
    backoff: () => RECONNECT_SECONDS,
    fetch_types: false, // We use built-in types alone: no extra round trip for each connection.
    onnotice: () => {}, // The driver would print them on the console.
    connection: {
      application_name: options.applicationName ?? 'cardea',
      ...(statementTimeout === 0
        ? {}
        : {
            statement_timeout: statementTimeout,
            // A process that stops in the middle of a transaction must not keep its locks.
            idle_in_transaction_session_timeout: 2 * statementTimeout,
          }),
    },
  });
  return { db: drizzle(preparing(sql)), sql, close: () => sql.end({ timeout: CLOSE_SECONDS_MAX }) };
}

/**
 * What drizzle gets to see of the driver. Every statement is prepared, which drizzle does not ask for by
 * itself: one round trip instead of two, and one plan for many executions. Our statements are few:
 * lists travel as one parameter.
 */
function preparing(sql: Sql): Sql {
  return new Proxy(sql, {
    get(target, name) {
      if (name === 'unsafe') return preparingUnsafe(target, () => false);
      if (name === 'begin') return (work: Work) => runTransaction(target, work);
      return Reflect.get(target, name);
    },
  });
}

type Work = (transaction: TransactionSql) => Promise<unknown>;

/**
 * A transaction whose work never ends once its connection is lost. The driver (3.4.9) would then send
 * a ROLLBACK, or whatever comes next, to a socket that is gone, which throws where nobody can catch it,
 * or over a new connection, where nothing holds it together (its issues 1133, 1154 and 1208). Unended,
 * the work is forgotten; the loss itself ends the transaction.
 */
export function runTransaction(sql: Sql, work: Work): Promise<unknown> {
  let isLost = false;
  const never = new Promise<never>(() => {});
  const transaction = sql.begin(async (tx) => {
    const prepared = new Proxy(tx, {
      get: (target, name) =>
        name === 'unsafe' ? preparingUnsafe(target, () => isLost) : Reflect.get(target, name),
    });
    try {
      const result = await work(prepared);
      return isLost ? never : result;
    } catch (error) {
      if (isLost || isConnectionLost(error)) return never;
      throw error;
    }
  });
  transaction.catch(() => {
    isLost = true;
  });
  return transaction;
}

function preparingUnsafe(sql: Sql | TransactionSql, isLost: () => boolean): Sql['unsafe'] {
  return (text, parameters, options) => {
    if (isLost()) throw new StoreUnavailable();
    return sql.unsafe(text, parameters, { ...options, prepare: true });
  };
}
