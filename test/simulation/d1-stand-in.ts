/**
 * D1 as the shipped stores use it, on real SQLite: statements and batches that happen whole or not at
 * all, some time after they were sent; a database that is away; answers that are lost when the work is
 * done already.
 */

import type { Random } from './random.ts';
import { type Executed, type Parameter, SqliteDatabase } from './sqlite-database.ts';
import type { World } from './world.ts';

export interface D1Weather {
  /** Each from 0 to 1, per call: the answer is lost although the work was done; nobody hears for long. */
  answerLost: number;
  slow: number;
}

export interface D1Parts {
  readonly world: World;
  readonly random: Random;
  readonly clock: () => number;
  readonly weather: D1Weather;
}

/** Longer than anybody waits for the database. */
const SLOW_MILLISECONDS = 8_000;

class DatabaseAway extends Error {
  override name = 'DatabaseAway';
}

export class D1StandIn {
  isUp = true;
  /** Called after each statement that may have changed rows. */
  onWritten: () => void = () => undefined;
  readonly sqlite: SqliteDatabase;
  readonly #parts: D1Parts;

  constructor(parts: D1Parts, schema: readonly string[]) {
    this.#parts = parts;
    this.sqlite = new SqliteDatabase(parts.clock);
    for (const script of schema) this.sqlite.script(script);
  }

  prepare(sql: string): D1Statement {
    return new D1Statement(this, sql, []);
  }

  async batch(statements: readonly D1Statement[]): Promise<readonly D1Result[]> {
    return this.send(() => this.#transaction(() => statements.map((one) => one.execute())));
  }

  /** One way there, the work, one way back: each may fail. */
  async send<T>(work: () => T | Promise<T>): Promise<T> {
    const { world, random, weather } = this.#parts;
    const isSlow = random.chance(weather.slow);
    const isLost = random.chance(weather.answerLost);
    const [there, back] = [random.integer(0, 4), random.integer(0, 4)];
    await world.sleep(isSlow ? random.integer(0, SLOW_MILLISECONDS) : there);
    if (!this.isUp) throw new DatabaseAway();
    const answer = await work();
    await world.sleep(isSlow ? SLOW_MILLISECONDS : back);
    if (isLost) throw new DatabaseAway();
    return answer;
  }

  #transaction<T>(work: () => T): T {
    this.sqlite.script('BEGIN');
    try {
      const answer = work();
      this.sqlite.script('COMMIT');
      return answer;
    } catch (error) {
      this.sqlite.script('ROLLBACK');
      throw error;
    }
  }
}

export interface D1Result {
  readonly results: ReadonlyArray<Record<string, unknown>>;
  readonly meta: { readonly changes: number };
}

export class D1Statement {
  readonly #database: D1StandIn;
  readonly #sql: string;
  readonly #parameters: readonly Parameter[];

  constructor(database: D1StandIn, sql: string, parameters: readonly Parameter[]) {
    this.#database = database;
    this.#sql = sql;
    this.#parameters = parameters;
  }

  bind(...parameters: readonly Parameter[]): D1Statement {
    return new D1Statement(this.#database, this.#sql, parameters);
  }

  run(): Promise<D1Result> {
    return this.#database.send(() => this.execute());
  }

  all(): Promise<D1Result> {
    return this.run();
  }

  async first(column?: string): Promise<unknown> {
    const [row] = (await this.run()).results;
    if (row === undefined) return null;
    return column === undefined ? row : row[column];
  }

  /** Rows without the names of their columns. */
  raw(): Promise<ReadonlyArray<readonly unknown[]>> {
    const { sqlite } = this.#database;
    return this.#database.send(() => {
      const rows = sqlite.rows(this.#sql, this.#parameters);
      if (!/^\s*(select|with)/i.test(this.#sql)) this.#database.onWritten();
      return rows;
    });
  }

  /** At once: for whoever is inside of the database already. */
  execute(): D1Result {
    const executed: Executed = this.#database.sqlite.execute(this.#sql, this.#parameters);
    if (executed.changes > 0) this.#database.onWritten();
    return { results: executed.rows, meta: { changes: executed.changes } };
  }
}
