/** The port to the edges. Each method is one statement or one batch. Throws `StoreUnavailable`. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { Edge } from './edge.ts';

export type NewEdge = Pick<Edge, 'edgeId' | 'name' | 'tenantIds' | 'audiences'>;

export interface EdgeLimits {
  /** Keys of all edges that are not revoked, the new one's included: tenants × audiences of each. */
  readonly pairsMax: number;
}

export interface EdgeRotation {
  readonly edgeId: string;
  /** Seconds for which the old secret goes on opening keys. */
  readonly overlapSeconds: number;
  readonly audit: NewAuditEvent;
}

export interface EdgeStore {
  insert(
    edge: NewEdge,
    limits: EdgeLimits & { readonly audit: NewAuditEvent },
  ): Promise<
    | { readonly outcome: 'inserted'; readonly edge: Edge }
    | { readonly outcome: 'name_taken' | 'too_many' }
  >;
  find(edgeId: string): Promise<Edge | undefined>;
  /** All of them by name, revoked ones too, with the database's clock. */
  list(): Promise<{ readonly edges: readonly Edge[]; readonly now: UnixMilliseconds }>;
  /** `overlap_lasts`: it was rotated a while ago, and the secret before is still in use. */
  rotate(
    rotation: EdgeRotation,
  ): Promise<
    | { readonly outcome: 'rotated'; readonly edge: Edge }
    | { readonly outcome: 'overlap_lasts' | 'revoked' | 'not_found' }
  >;
  revoke(revocation: {
    readonly edgeId: string;
    readonly audit: NewAuditEvent;
  }): Promise<'revoked' | 'already_revoked' | 'not_found'>;
}
