/**
 * Connects to PostgreSQL: on Node through a pool, on Workers to Hyperdrive, which has the pool. The
 * stores (`*.pg.ts`) take a {@link PostgresDatabase} and do not know which driver is behind it.
 * PGlite, for Node alone, is opened by `pglite.ts`: Workers must not bundle it.
 */

import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql, type TransactionSql } from 'postgres';

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

/** Opens no connection yet: the first statement does. A bad address shows there. */
export function connectPostgres(url: string, options: PostgresOptions = {}): PostgresConnection {
  const statementTimeout = options.statementTimeoutMilliseconds ?? 5_000;
  const sql = postgres(url, {
    max: options.connectionsMax ?? 10,
    connect_timeout: options.connectTimeoutSeconds ?? 5,
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
 * Has every statement of drizzle prepared, which it does not ask for by itself: one round trip instead
 * of two, and one plan for many executions. Our statements are few: lists travel as one parameter.
 */
function preparing<T extends Sql | TransactionSql>(sql: T): T {
  return new Proxy(sql, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'unsafe') {
        const unsafe: Sql['unsafe'] = (text, parameters, options) =>
          target.unsafe(text, parameters, { ...options, prepare: true });
        return unsafe;
      }
      if (name === 'begin' && 'begin' in target) {
        return (work: (transaction: TransactionSql) => Promise<unknown>) =>
          target.begin((transaction) => work(preparing(transaction)));
      }
      return member;
    },
  });
}
