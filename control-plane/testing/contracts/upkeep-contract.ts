/** The contract of `UpkeepStore`. It removes rows of every tenant: nothing may follow that needs them. */

import { describe, expect, test } from 'vitest';
import type { Outlived } from '../../src/upkeep/store.ts';
import { newId } from './fixtures.ts';
import type { Subject } from './subject.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

type Row = readonly [id: string, columns: Readonly<Record<string, string | number>>];

interface Rows {
  readonly idColumn: string;
  /** Columns that must not be null, besides those of {@link Row}. */
  readonly others: Readonly<Record<string, string | number>>;
  readonly over: readonly Row[];
  readonly kept: readonly Row[];
}

/** Seconds from now, in a column of milliseconds. */
const ms = (seconds: number) => Date.now() + seconds * 1000;
const s = (seconds: number) => Math.floor(ms(seconds) / 1000);

/** With `overForSeconds` of a day. */
const ROWS: Readonly<Record<Outlived, Rows>> = {
  revocations: {
    idColumn: 'revocation_id',
    others: { scope: 'key', scope_id: '0', bound_s: 1, cause: 'test', created_at_s: 0 },
    over: [['expired', { expires_at_s: s(-DAY - HOUR) }]],
    kept: [
      ['expired lately', { expires_at_s: s(-DAY + HOUR) }],
      ['live', { expires_at_s: s(HOUR) }],
    ],
  },
  idempotent_requests: {
    idColumn: 'request_id',
    others: { operation: 'api_key.issue', request_hash: 'h', key_id: 'k' },
    over: [['old', { create_time_ms: ms(-DAY - HOUR) }]],
    kept: [['young', { create_time_ms: ms(-DAY + HOUR) }]],
  },
  api_keys: {
    idColumn: 'key_id',
    others: {
      ...{ kind: 'issued', name: 'n', actor_id: 'a', scopes: '[]', visibility: 'secret' },
      ...{ secret_hash: '', create_time_ms: 0, update_time_ms: 0 },
    },
    over: [
      ['expired', { state: 'active', expire_time_ms: ms(-DAY - HOUR) }],
      ['revoked', { state: 'revoked', expire_time_ms: ms(-HOUR) }],
      ['rotated', { state: 'active', expire_time_ms: ms(-HOUR), overlap_end_ms: ms(-DAY) }],
    ],
    kept: [
      ['forever', { state: 'active' }],
      ['live', { state: 'active', expire_time_ms: ms(HOUR) }],
      ['expired lately', { state: 'active', expire_time_ms: ms(-HOUR) }],
      ['revoked, kept', { state: 'revoked', expire_time_ms: ms(HOUR) }],
      ['rotated, kept', { state: 'active', expire_time_ms: ms(HOUR), overlap_end_ms: ms(-DAY) }],
    ],
  },
  replaced_macaroon_keys: {
    idColumn: 'kid',
    others: {
      ...{ audience: 'a', epoch_start_s: 0, epoch_length_s: 1, generation: 0, replaced_at_s: 0 },
    },
    over: [['of an ended epoch', { expires_at_s: s(-DAY - HOUR) }]],
    kept: [['of a living one', { expires_at_s: s(HOUR) }]],
  },
  admin_credentials: {
    idColumn: 'credential_id',
    others: { name: 'n', role: 'owner', secret_hash: 'h', create_time_ms: 0 },
    over: [
      ['expired', { expire_time_ms: ms(-DAY - HOUR) }],
      ['revoked', { expire_time_ms: ms(HOUR), revoke_time_ms: ms(-DAY - HOUR) }],
    ],
    kept: [
      ['forever', {}],
      ['expired lately', { expire_time_ms: ms(-HOUR) }],
      ['in overlap', { revoke_time_ms: ms(HOUR) }],
    ],
  },
};

const KINDS = Object.keys(ROWS) as Outlived[];

export function testUpkeep(subject: () => Subject): void {
  async function insert(table: Outlived, nid: string, rows: readonly Row[]): Promise<void> {
    const { idColumn, others } = ROWS[table];
    for (const [id, columns] of rows) {
      const row = { nid, [idColumn]: `${nid} ${id}`, ...others, ...columns };
      const values = Object.values(row).map((value) =>
        typeof value === 'number' ? value : `'${value}'`,
      );
      await subject().run(
        `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`,
      );
    }
  }

  async function left(table: Outlived, nid: string): Promise<string[]> {
    const { idColumn: id } = ROWS[table];
    const rows = await subject().run(`SELECT ${id} AS id FROM ${table} WHERE nid = '${nid}'`);
    return rows.map((row) => String(row.id).slice(nid.length + 1)).sort();
  }

  const removeAll = async (what: Outlived) => {
    const { upkeep } = subject().stores;
    while ((await upkeep.removeOutlived(what, { overForSeconds: DAY, rowsMax: 100 })) > 0);
  };

  describe('upkeep', () => {
    test.each(KINDS)('removes %s that are over, and no others', async (what) => {
      const nid = newId();
      const { over, kept } = ROWS[what];
      await insert(what, nid, [...over, ...kept]);
      await removeAll(what);
      expect(await left(what, nid)).toEqual(kept.map(([id]) => id).sort());
    });

    test.each(KINDS)('removes at most so many %s as it is told', async (what) => {
      await removeAll(what);
      const nid = newId();
      const [first] = ROWS[what].over;
      const rows = Array.from({ length: 5 }, (_, i): Row => [String(i), first?.[1] ?? {}]);
      await insert(what, nid, rows);
      const { upkeep } = subject().stores;
      const remove = () => upkeep.removeOutlived(what, { overForSeconds: DAY, rowsMax: 3 });
      expect([await remove(), await remove(), await remove()]).toEqual([3, 2, 0]);
      expect(await left(what, nid)).toEqual([]);
    });
  });
}
