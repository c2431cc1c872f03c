/**
 * What the publisher remembers: its own SQLite, apart from the database. Reads and writes here are
 * synchronous, so nothing can come between a stamp and the read that it stands for. The only user of
 * the Durable Object's `sql`.
 */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import { formatScopeId, parseScopeId } from '@cardea/shared/feed/scope-id';
import { secondsOf, type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { PublicationState, StoredKeyset } from './plan-publication.ts';

/** An entry with its end. Times are the database's; the publisher's clock may differ by the skew. */
export interface LiveEntry extends RevocationEntry {
  readonly expiresAtSeconds: number;
}

export interface Keyset {
  readonly hash: string;
  readonly text: string;
  readonly kids: readonly string[];
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS entries (
     scope_id TEXT PRIMARY KEY, bound_s INTEGER NOT NULL, expires_at_s INTEGER NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS keysets (
     hash TEXT PRIMARY KEY, text TEXT NOT NULL, kids TEXT NOT NULL, position INTEGER NOT NULL,
     first_written_at_ms INTEGER, last_written_at_ms INTEGER)`,
  `CREATE TABLE IF NOT EXISTS publisher (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     recovered INTEGER NOT NULL DEFAULT 0,
     seq INTEGER NOT NULL DEFAULT 0,
     change INTEGER NOT NULL DEFAULT 0,
     published_change INTEGER NOT NULL DEFAULT 0,
     published_seq INTEGER,
     published_at_ms INTEGER,
     keyset_hash TEXT,
     failures INTEGER NOT NULL DEFAULT 0,
     earliest_at_ms INTEGER NOT NULL DEFAULT 0,
     last_error TEXT)`,
  'INSERT OR IGNORE INTO publisher (id) VALUES (1)',
];

/** The publisher's own row. `change` counts what edges have to be told; see `isChangeWaiting`. */
export type PublisherRow = {
  recovered: number;
  seq: number;
  change: number;
  published_change: number;
  published_seq: number | null;
  published_at_ms: number | null;
  keyset_hash: string | null;
  failures: number;
  earliest_at_ms: number;
  last_error: string | null;
};

export class HubStorage {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    for (const table of TABLES) this.#sql(table);
  }

  publisher(): PublisherRow {
    return this.#storage.sql.exec<PublisherRow>('SELECT * FROM publisher').one();
  }

  /**
   * Takes entries in: the later bound and the later end win, so nothing is ever un-revoked. Durable
   * when it returns. All or nothing.
   */
  async takeEntries(entries: readonly LiveEntry[]): Promise<void> {
    this.#storage.transactionSync(() => {
      for (const entry of entries) this.#takeEntry(entry);
      // A head that is being written at this moment may have been read before: it stays waiting.
      if (entries.length > 0) this.#sql('UPDATE publisher SET change = change + 1');
    });
    await this.settled();
  }

  /** Drops entries that no living token can match. `skewSeconds` of grace for the clocks. */
  prune(now: UnixMilliseconds, skewSeconds: number): void {
    this.#sql('DELETE FROM entries WHERE expires_at_s + ? < ?', skewSeconds, secondsOf(now));
  }

  entryCount(): number {
    const count = 'SELECT count(*) AS count FROM entries';
    return this.#storage.sql.exec<{ count: number }>(count).one().count;
  }

  /** Makes `keyset` the newest. The same keyset again changes nothing. */
  takeKeyset(keyset: Keyset): void {
    if (this.#newestKeyset()?.hash === keyset.hash) return;
    this.#storage.transactionSync(() => {
      this.#sql(
        `INSERT INTO keysets (hash, text, kids, position)
         VALUES (?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM keysets))
         ON CONFLICT (hash) DO UPDATE SET
           position = excluded.position, first_written_at_ms = NULL, last_written_at_ms = NULL`,
        ...[keyset.hash, keyset.text, JSON.stringify(keyset.kids)],
      );
      this.#sql('UPDATE publisher SET change = change + 1');
    });
  }

  keyset(hash: string): Keyset | undefined {
    const row = this.#storage.sql
      .exec<{ text: string; kids: string }>('SELECT text, kids FROM keysets WHERE hash = ?', hash)
      .toArray()[0];
    return row === undefined ? undefined : { hash, text: row.text, kids: JSON.parse(row.kids) };
  }

  /** The full live set and the keysets. Call it after the stamp was taken, with no await between. */
  read(environmentId: string): PublicationState & { readonly change: number } {
    const { seq, change, keyset_hash: relied } = this.publisher();
    return {
      environmentId,
      lastSeq: seq,
      change,
      entries: this.#entries(),
      keysets: this.#keysets(),
      ...(relied === null ? {} : { reliedKeysetHash: relied }),
    };
  }

  /** Uses a `seq` up. Await {@link settled} before anything carries it. */
  takeSeq(seq: number): void {
    this.#sql('UPDATE publisher SET seq = max(seq, ?)', seq);
  }

  /** Resolves when everything written so far is durable. */
  async settled(): Promise<void> {
    await this.#storage.sync();
  }

  keysetWritten(hash: string, at: UnixMilliseconds): void {
    this.#sql(
      `UPDATE keysets SET last_written_at_ms = ?1,
         first_written_at_ms = coalesce(first_written_at_ms, ?1) WHERE hash = ?2`,
      ...[at, hash],
    );
  }

  headWritten(head: {
    readonly seq: number;
    readonly keysetHash: string;
    /** Of the state that the head was made from. */
    readonly change: number;
    readonly at: UnixMilliseconds;
  }): void {
    this.#sql(
      `UPDATE publisher SET published_seq = ?, published_change = ?, published_at_ms = ?,
         keyset_hash = ?`,
      ...[head.seq, head.change, head.at, head.keysetHash],
    );
    // Older keysets are named by no head that an edge could still trust.
    this.#sql(
      `DELETE FROM keysets WHERE position < (SELECT position FROM keysets WHERE hash = ?)
         AND coalesce(last_written_at_ms, 0) < ?`,
      ...[head.keysetHash, head.at - KEYSET_KEPT_MILLISECONDS],
    );
  }

  recovered(lowestSeq: number): void {
    this.#sql('UPDATE publisher SET recovered = 1, seq = max(seq, ?)', lowestSeq);
  }

  attemptEnded(attempt: {
    readonly failures: number;
    readonly earliest: UnixMilliseconds;
    readonly error: string | null;
  }): void {
    this.#sql(
      'UPDATE publisher SET failures = ?, earliest_at_ms = ?, last_error = ?',
      ...[attempt.failures, attempt.earliest, attempt.error],
    );
  }

  #takeEntry({ scopeId, boundSeconds, expiresAtSeconds }: LiveEntry): void {
    this.#sql(
      `INSERT INTO entries (scope_id, bound_s, expires_at_s) VALUES (?, ?, ?)
       ON CONFLICT (scope_id) DO UPDATE SET bound_s = max(bound_s, excluded.bound_s),
         expires_at_s = max(expires_at_s, excluded.expires_at_s)`,
      ...[formatScopeId(scopeId), boundSeconds, expiresAtSeconds],
    );
  }

  /** The hexadecimal text sorts like the number that it writes. */
  #entries(): RevocationEntry[] {
    const rows = this.#storage.sql.exec<{ scope_id: string; bound_s: number }>(
      'SELECT scope_id, bound_s FROM entries ORDER BY scope_id',
    );
    return [...rows].map((row) => {
      const scopeId = parseScopeId(row.scope_id);
      if (scopeId === undefined) throw new TypeError('An entry has no scope id.');
      return { scopeId, boundSeconds: row.bound_s };
    });
  }

  #keysets(): StoredKeyset[] {
    const rows = this.#storage.sql.exec<KeysetRow>(
      'SELECT hash, first_written_at_ms, last_written_at_ms FROM keysets ORDER BY position',
    );
    return [...rows].map(({ hash, first_written_at_ms: first, last_written_at_ms: last }) => ({
      hash,
      ...(first === null ? {} : { firstWrittenAt: unixMilliseconds(first) }),
      ...(last === null ? {} : { lastWrittenAt: unixMilliseconds(last) }),
    }));
  }

  #newestKeyset(): StoredKeyset | undefined {
    return this.#keysets().at(-1);
  }

  #sql(statement: string, ...parameters: ReadonlyArray<string | number | null>): void {
    this.#storage.sql.exec(statement, ...parameters);
  }
}

type KeysetRow = {
  hash: string;
  first_written_at_ms: number | null;
  last_written_at_ms: number | null;
};

/** How long a superseded keyset is still served, milliseconds: longer than any bound. */
const KEYSET_KEPT_MILLISECONDS = 2 * 24 * 60 * 60 * 1000;
