/** The database of a run: made of the shipped migrations, watched for what commits in it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RevocationEntry } from '@cardea/shared/feed/entry';
import { parseScopeId } from '@cardea/shared/feed/scope-id';
import { type D1Parts, D1StandIn } from './d1-stand-in.ts';

const MIGRATIONS = join(import.meta.dirname, '../../control-plane/migrations/d1');

const SCHEMA = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(MIGRATIONS, name), 'utf8'));

/** Of a publisher whose storage is the database (`node-storage`). */
const TERM_TABLE = 'CREATE TABLE IF NOT EXISTS term (id INTEGER PRIMARY KEY, term TEXT)';

export interface CommittedRevocation {
  readonly rowNumber: number;
  readonly revocationId: string;
  readonly entry: RevocationEntry;
  readonly effectiveAtSeconds: number;
  readonly expiresAtSeconds: number;
}

export interface StoredKey {
  readonly kid: string;
  readonly isRetired: boolean;
}

export class Database extends D1StandIn {
  /** Told of each row, once. */
  onRevocation: (row: CommittedRevocation) => void = () => undefined;
  onSigningKeys: (keys: readonly StoredKey[]) => void = () => undefined;
  readonly #known = new Set<string>();
  #lastRow = 0;
  #unabsorbed: CommittedRevocation[] = [];

  constructor(parts: D1Parts) {
    super(parts, [...SCHEMA, TERM_TABLE]);
    this.onWritten = () => this.#look();
  }

  #look(): void {
    const keys = this.sqlite.execute('SELECT kid, state FROM signing_keys', []).rows;
    // Retiring is retired, as far as new tokens go: from then on only old ones are verified.
    const isRetired = (state: unknown) => state !== 'active' && state !== 'pending';
    this.onSigningKeys(
      keys.map(({ kid, state }) => ({ kid: String(kid), isRetired: isRetired(state) })),
    );
    for (const row of this.revocations(this.#lastRow)) {
      this.#lastRow = Math.max(this.#lastRow, row.rowNumber);
      if (this.#known.has(row.revocationId)) continue;
      this.#known.add(row.revocationId);
      this.#unabsorbed.push(row);
      this.onRevocation(row);
    }
  }

  /** An older state takes the place of the present one. */
  goBack(copy: Uint8Array): void {
    this.sqlite.restore(copy);
    this.#lastRow = 0;
    this.#look();
    this.#unabsorbed = [...this.revocations()];
  }

  /** Rows that nobody has absorbed yet and that are due: for a publisher's storage in here. */
  unabsorbed(isDue: (row: CommittedRevocation) => boolean): readonly CommittedRevocation[] {
    return this.#unabsorbed.filter(isDue);
  }

  absorbed(rows: readonly CommittedRevocation[]): void {
    this.#unabsorbed = this.#unabsorbed.filter((row) => !rows.includes(row));
  }

  /** How far the publisher says that it has come with this database (`publication/restoration`). */
  get mark(): number {
    const [row] = this.sqlite.execute('SELECT mark FROM publication_marks WHERE id = 1', []).rows;
    return Number(row?.mark ?? 0);
  }

  hasRevocation(revocationId: string): boolean {
    const query = 'SELECT 1 FROM revocations WHERE revocation_id = ?';
    return this.sqlite.execute(query, [revocationId]).rows.length > 0;
  }

  revocations(afterRow = 0): readonly CommittedRevocation[] {
    const columns = 'rowid AS row, revocation_id, scope_id, bound_s, effective_at_s, expires_at_s';
    const query = `SELECT ${columns} FROM revocations WHERE rowid > ?`;
    const { rows } = this.sqlite.execute(query, [afterRow]);
    return rows.map((row) => ({
      rowNumber: Number(row.row),
      revocationId: String(row.revocation_id),
      entry: {
        scopeId: parseScopeId(String(row.scope_id)) ?? { high: 0, low: 0 },
        boundSeconds: Number(row.bound_s),
      },
      effectiveAtSeconds: Number(row.effective_at_s),
      expiresAtSeconds: Number(row.expires_at_s),
    }));
  }
}
