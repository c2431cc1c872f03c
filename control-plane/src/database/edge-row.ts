/** From rows of `edges`, of either dialect, to edges. */

import { unixMilliseconds } from '@cardea/shared/time';
import type { Edge } from '../edges/edge.ts';
import type { EdgeStore } from '../edges/store.ts';
import type { edges } from './schema.d1.ts';

export type EdgeRow = typeof edges.$inferSelect;

/** Lists of texts are JSON in their columns, written by ourselves. */
export function toEdge(row: EdgeRow): Edge {
  const { overlapEndMs, revokeTimeMs } = row;
  return {
    edgeId: row.edgeId,
    name: row.name,
    tenantIds: JSON.parse(row.tenants),
    audiences: JSON.parse(row.audiences),
    generation: row.generation,
    createTime: unixMilliseconds(row.createTimeMs),
    updateTime: unixMilliseconds(row.updateTimeMs),
    ...(overlapEndMs === null ? {} : { overlapEnd: unixMilliseconds(overlapEndMs) }),
    ...(revokeTimeMs === null ? {} : { revokeTime: unixMilliseconds(revokeTimeMs) }),
  };
}

/** The outcome of a rotation that changed nothing, by what is there. */
export function notRotated(row: Pick<EdgeRow, 'revokeTimeMs'> | undefined) {
  if (row === undefined) return { outcome: 'not_found' } as const;
  return { outcome: row.revokeTimeMs === null ? 'overlap_lasts' : 'revoked' } as const;
}

/** The outcome of an insertion that inserted nothing. */
export function notInserted(isNameTaken: boolean): Awaited<ReturnType<EdgeStore['insert']>> {
  return { outcome: isNameTaken ? 'name_taken' : 'too_many' };
}
