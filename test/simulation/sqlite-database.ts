/** SQLite in memory, with the clock of the simulation where the database's own would be. */

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

export type Parameter = string | number | bigint | null | ArrayBuffer | Uint8Array;

export class SqliteDatabase {
  readonly #statements = new Map<string, Prepared>();
  readonly #clock: () => number;
  #database: DatabaseSync;

  /** `clock`: milliseconds since 1970, by this database's own clock. */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#database = this.#open();
  }

  /** Statements without parameters. */
  script(sql: string): void {
    this.#database.exec(sql);
  }

  /** One statement: its rows, and how many it changed. */
  execute(sql: string, parameters: readonly Parameter[]): Executed {
    const { statement, hasRows, isWriting } = this.#prepare(sql);
    const values = parameters.map(toInput);
    if (!hasRows) return { rows: [], changes: Number(statement.run(...values).changes) };
    const rows = statement.all(...values);
    return { rows, changes: isWriting ? rows.length : 0 };
  }

  /** As `execute`, rows as lists: two columns may have one name. */
  rows(sql: string, parameters: readonly Parameter[]): ReadonlyArray<readonly unknown[]> {
    const { statement } = this.#prepare(sql, true);
    const rows: unknown = statement.all(...parameters.map(toInput));
    return Array.isArray(rows) ? rows : [];
  }

  /** The whole database as of now, to come back to. */
  copy(): Uint8Array {
    return this.#database.serialize();
  }

  restore(copy: Uint8Array): void {
    // A new one: statements that were prepared on the old one must not see its memory go.
    this.close();
    this.#database = this.#open();
    this.#database.deserialize(copy);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(':memory:');
    const unixepoch = (modifier?: unknown) =>
      modifier === 'subsec' ? this.#clock() / 1000 : BigInt(Math.floor(this.#clock() / 1000));
    database.function('unixepoch', { varargs: true }, unixepoch);
    return database;
  }

  #prepare(sql: string, isForLists = false): Prepared {
    const name = isForLists ? `lists ${sql}` : sql;
    const known = this.#statements.get(name);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(isForLists);
    const hasRows = statement.columns().length > 0;
    const prepared = { statement, hasRows, isWriting: !/^\s*(select|with)/i.test(sql) };
    this.#statements.set(name, prepared);
    return prepared;
  }
}

interface Prepared {
  readonly statement: StatementSync;
  readonly hasRows: boolean;
  readonly isWriting: boolean;
}

export interface Executed {
  readonly rows: ReadonlyArray<Record<string, unknown>>;
  readonly changes: number;
}

function toInput(value: Parameter): SQLInputValue {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return typeof value === 'boolean' ? Number(value) : value;
}
