/**
 * What the publisher remembers on Workers: the hub's own SQLite, apart from the database. Statements
 * are synchronous here, so nothing can come between those of one method. The only user of the Durable
 * Object's `sql`.
 */

import { FOR_GOOD, type RevocationEntry } from '@cardea/shared/feed/entry';
import { formatScopeId, parseScopeId } from '@cardea/shared/feed/scope-id';
import { secondsOf, type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import { nextSeq, type StoredKeyset } from '../plan-publication.ts';
import {
  type EntriesApart,
  type EntryPage,
  KEYSET_KEPT_MILLISECONDS,
  type Keyset,
  type LiveEntry,
  type Moment,
  type PublisherMemory,
  type PublisherStorage,
  TAIL_ENTRIES_READ_MAX,
  TailTooLong,
  type TakenEntry,
  type TakenPage,
} from '../publisher-storage.ts';
import { ContentWriter } from '../segments/segment-content.ts';
import { HubSegments } from './hub-segments.ts';

const TABLES = [
  `CREATE TABLE IF NOT EXISTS entries (
     scope_id TEXT PRIMARY KEY, bound_s INTEGER NOT NULL, expires_at_s INTEGER NOT NULL
   ) WITHOUT ROWID`,
  'CREATE TABLE IF NOT EXISTS inline_scopes (scope_id TEXT PRIMARY KEY) WITHOUT ROWID',
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
  'CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
  // AUTOINCREMENT: no number comes twice, though rows go.
  `CREATE TABLE IF NOT EXISTS taken_entries (
     number INTEGER PRIMARY KEY AUTOINCREMENT, scope_id TEXT NOT NULL, bound_s INTEGER NOT NULL,
     expires_at_s INTEGER NOT NULL)`,
  'INSERT OR IGNORE INTO publisher (id) VALUES (1)',
];

/** `change` counts what edges have to be told. */
type PublisherRow = {
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

export class HubStorage implements PublisherStorage {
  readonly apart: EntriesApart = {
    takeEntries: (entries) => this.#takeEntries(entries),
    adopt: (segment) => this.segments.adopt(segment),
    tailEntries: async (page) => this.#page(page),
    mark: async () => Number(this.#note('mark') ?? 0),
    markMoved: async (mark) => {
      this.#storage.transactionSync(() => {
        this.#takeNote('mark', String(mark));
        this.#takeNote('restoration', 'null');
      });
      await this.#settled();
    },
    takenEntries: async (page) => this.#taken(page),
    lastTaken: async () =>
      this.#storage.sql
        .exec<{ last: number }>('SELECT coalesce(max(number), 0) AS last FROM taken_entries')
        .one().last,
    entriesFound: async ({ from, to }) => {
      this.#sql('DELETE FROM taken_entries WHERE number BETWEEN ? AND ?', from, to);
      await this.#settled();
    },
    restorationProgress: async () => JSON.parse(this.#note('restoration') ?? 'null') ?? undefined,
    restorationWent: async (progress) => {
      this.#takeNote('restoration', JSON.stringify(progress));
      await this.#settled();
    },
  };
  readonly segments: HubSegments;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    for (const table of TABLES) this.#sql(table);
    this.segments = new HubSegments(storage);
  }

  async memory(): Promise<PublisherMemory> {
    const row = this.#publisher();
    const auditSeal = this.#note('audit_seal');
    return {
      isRecovered: row.recovered === 1,
      seq: row.seq,
      isChangeWaiting: row.change > row.published_change,
      ...(row.published_seq === null ? {} : { publishedSeq: row.published_seq }),
      ...(row.published_at_ms === null
        ? {}
        : { publishedAt: unixMilliseconds(row.published_at_ms) }),
      ...(row.keyset_hash === null ? {} : { keysetHash: row.keyset_hash }),
      ...(auditSeal === undefined ? {} : { auditSeal }),
      failures: row.failures,
      earliest: unixMilliseconds(row.earliest_at_ms),
      ...(row.last_error === null ? {} : { lastError: row.last_error }),
    };
  }

  async revokedForGood(scopeIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = this.#storage.sql.exec<{ scope_id: string }>(
      `SELECT scope_id FROM entries
       WHERE bound_s = ? AND scope_id IN (SELECT value FROM json_each(?))`,
      ...[FOR_GOOD, JSON.stringify(scopeIds)],
    );
    return new Set([...rows].map((row) => row.scope_id));
  }

  /** One that stands in several places counts in each. */
  entryCount(): number {
    const count = `SELECT (SELECT count(*) FROM entries) + (SELECT coalesce(sum(entry_count), 0)
      FROM segments WHERE merged_into IS NULL AND dropped_at_ms IS NULL) AS count`;
    return this.#storage.sql.exec<{ count: number }>(count).one().count;
  }

  async takeKeyset(keyset: Keyset): Promise<void> {
    if (this.#keysets().at(-1)?.hash === keyset.hash) return;
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
    await this.#settled();
  }

  async keyset(hash: string): Promise<Keyset | undefined> {
    const row = this.#storage.sql
      .exec<{ text: string; kids: string }>('SELECT text, kids FROM keysets WHERE hash = ?', hash)
      .toArray()[0];
    return row === undefined ? undefined : { hash, text: row.text, kids: JSON.parse(row.kids) };
  }

  async takeAuditSeal(seal: string): Promise<void> {
    this.#takeNote('audit_seal', seal);
    await this.#settled();
  }

  async takeMoment(stamp: UnixMilliseconds, clockSkewSeconds: number): Promise<Moment> {
    this.#forget(secondsOf(stamp) - clockSkewSeconds);
    const { seq: lastSeq, change, keyset_hash: relied } = this.#publisher();
    const auditSeal = this.#note('audit_seal');
    const moment = {
      seq: nextSeq(lastSeq, stamp),
      change,
      tail: this.#tail(),
      segments: this.segments.read(),
      keysets: this.#keysets(),
      ...(relied === null ? {} : { reliedKeysetHash: relied }),
      ...(auditSeal === undefined ? {} : { auditSeal }),
    };
    this.#sql('UPDATE publisher SET seq = ?', moment.seq);
    await this.#settled();
    return moment;
  }

  async keysetWritten(hash: string, at: UnixMilliseconds): Promise<void> {
    this.#sql(
      `UPDATE keysets SET last_written_at_ms = ?1,
         first_written_at_ms = coalesce(first_written_at_ms, ?1) WHERE hash = ?2`,
      ...[at, hash],
    );
    await this.#settled();
  }

  async headWritten(head: {
    readonly seq: number;
    readonly keysetHash: string;
    readonly change: number;
    readonly at: UnixMilliseconds;
  }): Promise<void> {
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
    await this.#settled();
  }

  async recovered(lowestSeq: number): Promise<void> {
    this.#sql('UPDATE publisher SET recovered = 1, seq = max(seq, ?)', lowestSeq);
    await this.#settled();
  }

  async objectsLost(): Promise<void> {
    this.#storage.transactionSync(() => {
      this.#sql('UPDATE keysets SET first_written_at_ms = NULL, last_written_at_ms = NULL');
      this.#sql('UPDATE segments SET written_at_ms = NULL');
    });
    await this.#settled();
  }

  async attemptEnded(attempt: {
    readonly failures: number;
    readonly earliest: UnixMilliseconds;
    readonly error?: string;
  }): Promise<void> {
    this.#sql(
      'UPDATE publisher SET failures = ?, earliest_at_ms = ?, last_error = ?',
      ...[attempt.failures, attempt.earliest, attempt.error ?? null],
    );
    await this.#settled();
  }

  /** Resolves when everything written so far is durable. */
  async #settled(): Promise<void> {
    await this.#storage.sync();
  }

  #publisher(): PublisherRow {
    return this.#storage.sql.exec<PublisherRow>('SELECT * FROM publisher').one();
  }

  async #takeEntries(entries: readonly LiveEntry[]): Promise<void> {
    const isRecovered = this.#publisher().recovered === 1;
    this.#storage.transactionSync(() => {
      for (const entry of entries) {
        this.#takeEntry(entry);
        // A storage that recovers has no mark: everything is compared then.
        if (isRecovered) this.#noteTaken(entry);
      }
      // A head that is being written at this moment may have been read before: it stays waiting.
      if (entries.length > 0) this.#sql('UPDATE publisher SET change = change + 1');
    });
    await this.#settled();
  }

  #takeEntry({ scopeId, boundSeconds, expiresAtSeconds, staysInline }: LiveEntry): void {
    if (staysInline === true) {
      this.#sql(
        'INSERT OR IGNORE INTO inline_scopes (scope_id) VALUES (?)',
        formatScopeId(scopeId),
      );
    }
    this.#sql(
      `INSERT INTO entries (scope_id, bound_s, expires_at_s) VALUES (?, ?, ?)
       ON CONFLICT (scope_id) DO UPDATE SET bound_s = max(bound_s, excluded.bound_s),
         expires_at_s = max(expires_at_s, excluded.expires_at_s)`,
      ...[formatScopeId(scopeId), boundSeconds, expiresAtSeconds],
    );
  }

  #noteTaken({ scopeId, boundSeconds, expiresAtSeconds }: LiveEntry): void {
    this.#sql(
      'INSERT INTO taken_entries (scope_id, bound_s, expires_at_s) VALUES (?, ?, ?)',
      ...[formatScopeId(scopeId), boundSeconds, expiresAtSeconds],
    );
  }

  /** What no living token can match. An entry that came in under a later end has been kept by it. */
  #forget(expiresAtSecondsMin: number): void {
    const isOver = 'expires_at_s < ?';
    this.#sql(
      `DELETE FROM inline_scopes WHERE scope_id IN (SELECT scope_id FROM entries WHERE ${isOver})`,
      expiresAtSecondsMin,
    );
    this.#sql(`DELETE FROM entries WHERE ${isOver}`, expiresAtSecondsMin);
  }

  /** The hexadecimal text sorts like the number that it writes. */
  #tail(): Uint8Array<ArrayBuffer> {
    const rows = this.#storage.sql.exec<EntryRow>(
      'SELECT * FROM entries ORDER BY scope_id LIMIT ?',
      TAIL_ENTRIES_READ_MAX + 1,
    );
    const tail = new ContentWriter();
    for (const row of rows) tail.append({ scopeId: scopeIdOf(row), boundSeconds: row.bound_s });
    if (tail.entryCount > TAIL_ENTRIES_READ_MAX) throw new TailTooLong();
    return tail.content();
  }

  #page({ afterScopeId, count }: EntryPage): LiveEntry[] {
    const rows = this.#storage.sql.exec<EntryRow>(
      'SELECT * FROM entries WHERE scope_id > ? ORDER BY scope_id LIMIT ?',
      ...[afterScopeId, count],
    );
    return [...rows].map(liveEntryOf);
  }

  #taken({ after, last, count }: TakenPage): TakenEntry[] {
    const rows = this.#storage.sql.exec<EntryRow & { number: number }>(
      'SELECT * FROM taken_entries WHERE number > ? AND number <= ? ORDER BY number LIMIT ?',
      ...[after, last, count],
    );
    return [...rows].map((row) => ({ ...liveEntryOf(row), number: row.number }));
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

  #note(name: Note): string | undefined {
    const rows = this.#storage.sql.exec<{ value: string }>(
      'SELECT value FROM notes WHERE name = ?',
      name,
    );
    return rows.toArray()[0]?.value;
  }

  #takeNote(name: Note, value: string): void {
    this.#sql('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)', name, value);
  }

  #sql(statement: string, ...parameters: ReadonlyArray<string | number | null>): void {
    this.#storage.sql.exec(statement, ...parameters);
  }
}

type Note = 'audit_seal' | 'mark' | 'restoration';

type EntryRow = { scope_id: string; bound_s: number; expires_at_s: number };

function liveEntryOf(row: EntryRow): LiveEntry {
  return {
    scopeId: scopeIdOf(row),
    boundSeconds: row.bound_s,
    expiresAtSeconds: row.expires_at_s,
  };
}

type KeysetRow = {
  hash: string;
  first_written_at_ms: number | null;
  last_written_at_ms: number | null;
};

function scopeIdOf(row: EntryRow): RevocationEntry['scopeId'] {
  const scopeId = parseScopeId(row.scope_id);
  if (scopeId === undefined) throw new TypeError('An entry has no scope id.');
  return scopeId;
}
