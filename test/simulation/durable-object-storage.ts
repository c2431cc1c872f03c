/**
 * The storage of a Durable Object as the hub uses it, on real SQLite. What has not been waited for
 * (`sync`) is gone when the object's process ends: each stretch between two syncs is a transaction.
 */

import type { Random } from './random.ts';
import { type Parameter, SqliteDatabase } from './sqlite-database.ts';
import type { World } from './world.ts';

export interface StorageParts {
  readonly world: World;
  readonly random: Random;
  /** A planted flaw: `sync` waits for nothing. */
  readonly syncsTooEarly: boolean;
}

export class DurableObjectStorageStandIn {
  readonly sql = {
    exec: (statement: string, ...parameters: readonly Parameter[]) =>
      this.#exec(statement, parameters),
  };
  readonly #parts: StorageParts;
  #database: SqliteDatabase;
  /** Rises with each end of a process: what one was waiting for tells nothing any more. */
  #ends = 0;

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#database = this.#open();
  }

  transactionSync<T>(work: () => T): T {
    this.#database.script('SAVEPOINT work');
    try {
      const answer = work();
      this.#database.script('RELEASE work');
      return answer;
    } catch (error) {
      this.#database.script('ROLLBACK TO work; RELEASE work');
      throw error;
    }
  }

  async sync(): Promise<void> {
    const { world, random, syncsTooEarly } = this.#parts;
    const milliseconds = random.integer(1, 20);
    const ends = this.#ends;
    if (syncsTooEarly) world.after(random.integer(1000, 5000), () => this.#commit());
    else await world.sleep(milliseconds);
    if (ends !== this.#ends) throw new Error('The process has ended.');
    if (!syncsTooEarly) this.#commit();
  }

  #commit(): void {
    this.#database.script('COMMIT; BEGIN');
  }

  /** The process has ended: what it had not waited for is lost. */
  loseUnsynced(): void {
    this.#ends++;
    this.#database.script('ROLLBACK; BEGIN');
  }

  /** Everything is lost. */
  lose(): void {
    this.#database.close();
    this.#database = this.#open();
  }

  close(): void {
    this.#database.close();
  }

  #open(): SqliteDatabase {
    const database = new SqliteDatabase(() => this.#parts.world.now);
    database.script('BEGIN');
    return database;
  }

  #exec(statement: string, parameters: readonly Parameter[]) {
    const rows = this.#database.execute(statement, parameters).rows.map(withBuffers);
    return {
      toArray: () => rows,
      one: () => {
        const [row] = rows;
        if (row === undefined || rows.length > 1) throw new Error('Expected exactly one row.');
        return row;
      },
      [Symbol.iterator]: () => rows[Symbol.iterator](),
    };
  }
}

/** Durable Objects answer blobs as ArrayBuffer. */
function withBuffers(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) row[name] = Uint8Array.from(value).buffer;
  }
  return row;
}
