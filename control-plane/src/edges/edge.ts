/** Edges: workers that may open sealed macaroon keys, and for which tenants and audiences. */

import type { UnixMilliseconds } from '@cardea/shared/time';

export interface Edge {
  /** A version-4 UUID: the setting `EDGE_ID`. */
  readonly edgeId: string;
  /** For people. No two edges have ever had the same. */
  readonly name: string;
  /** It gets a key for each of the tenants with each of the audiences, and no other. */
  readonly tenantIds: readonly string[];
  readonly audiences: readonly string[];
  /** Its secret is derived from the edge root, its id and this number; from 1. */
  readonly generation: number;
  /** Until then keys are sealed under the secret of the generation before as well. */
  readonly overlapEnd?: UnixMilliseconds;
  readonly createTime: UnixMilliseconds;
  readonly updateTime: UnixMilliseconds;
  /** Set once: from then on nothing is sealed for it. */
  readonly revokeTime?: UnixMilliseconds;
}

/** The generations whose secret keys are sealed under at `now`, the newest first. */
export function sealedGenerations(edge: Edge, now: UnixMilliseconds): readonly number[] {
  if (edge.revokeTime !== undefined) return [];
  const { generation, overlapEnd } = edge;
  const hasOverlap = overlapEnd !== undefined && overlapEnd > now && generation > 1;
  return hasOverlap ? [generation, generation - 1] : [generation];
}
