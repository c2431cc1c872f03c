/** What edges were last seen at, in the hub's own SQLite. */

import { unixMilliseconds } from '@cardea/shared/time';
import { type EdgeSighting, type EdgeSightingStore, SIGHTINGS_MAX } from '../edge-sightings.ts';

const TABLE = `CREATE TABLE IF NOT EXISTS edge_sightings (
  edge TEXT PRIMARY KEY, seq INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL
) WITHOUT ROWID`;

export class HubSightings implements EdgeSightingStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(TABLE);
  }

  async note(sightings: readonly EdgeSighting[]): Promise<void> {
    this.#storage.transactionSync(() => {
      for (const { edge, seq, seenAt } of sightings) {
        this.#storage.sql.exec(
          `INSERT INTO edge_sightings VALUES (?, ?, ?) ON CONFLICT (edge) DO UPDATE
             SET seq = excluded.seq, seen_at_ms = excluded.seen_at_ms
             WHERE excluded.seen_at_ms >= seen_at_ms`,
          ...[edge, seq, seenAt],
        );
      }
      this.#storage.sql.exec(
        `DELETE FROM edge_sightings WHERE edge IN (SELECT edge FROM edge_sightings
           ORDER BY seen_at_ms DESC, edge LIMIT -1 OFFSET ?)`,
        SIGHTINGS_MAX,
      );
    });
  }

  async list(): Promise<readonly EdgeSighting[]> {
    const rows = this.#storage.sql.exec<{ edge: string; seq: number; seen_at_ms: number }>(
      'SELECT * FROM edge_sightings ORDER BY seen_at_ms DESC, edge',
    );
    return [...rows].map(({ edge, seq, seen_at_ms: seenAt }) => ({
      ...{ edge, seq, seenAt: unixMilliseconds(seenAt) },
    }));
  }
}
