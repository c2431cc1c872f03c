/**
 * PostgreSQL on Workers, through Hyperdrive, which keeps the pool. Each statement and each transaction has
 * a connection of its own to Hyperdrive and closes it afterwards: what one request has opened must
 * not be used by another (Workers forbids it), and a store does not know whose request it serves.
 * Every read asks the database's clock, so none of them is one that Hyperdrive would cache.
 */

import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql, type TransactionSql } from 'postgres';
import { type PostgresDatabase, runTransaction } from './postgres.ts';

/** Runs on after the answer: `waitUntil`. */
type InBackground = (work: Promise<unknown>) => void;

/** `url` is the binding's `connectionString`. Opens no connection. */
export function connectHyperdrive(url: string, inBackground: InBackground): PostgresDatabase {
  // Never connects: drizzle sets up its options, and the connections take them over.
  const template = open(url);
  const connect = (): Sql => {
    const sql = open(url);
    Object.assign(sql.options.parsers, template.options.parsers);
    Object.assign(sql.options.serializers, template.options.serializers);
    return sql;
  };
  const closing = <T extends Promise<unknown>>(sql: Sql, work: T): T => {
    const close = () => inBackground(sql.end({ timeout: 1 }).catch(() => {}));
    work.then(close, close);
    return work;
  };
  const unsafe: Sql['unsafe'] = (text, parameters, options) => {
    const sql = connect();
    return closing(sql, sql.unsafe(text, parameters, options));
  };
  const begin = (work: (transaction: TransactionSql) => Promise<unknown>) => {
    const sql = connect();
    return closing(sql, runTransaction(sql, work));
  };
  return drizzle(
    new Proxy(template, {
      get: (target, name) =>
        name === 'unsafe' ? unsafe : name === 'begin' ? begin : Reflect.get(target, name),
    }),
  );
}

function open(url: string): Sql {
  // No limits for the server: Hyperdrive passes on none. `answered.pg` has its own.
  return postgres(url, { max: 1, connect_timeout: 5, fetch_types: false, onnotice: () => {} });
}
