/** Gives an edge a new secret, or ends it. */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Caller } from '../audit/audit-event.ts';
import type { Edge } from './edge.ts';
import { edgeSecretText } from './edge-secret.ts';
import type { EdgeDeps } from './register-edge.ts';

export interface EdgeChange {
  readonly edgeId: string;
  readonly caller: Caller;
}

export type RotateEdgeOutcome =
  /** `secret`: shown this once. */
  | { readonly outcome: 'rotated'; readonly edge: Edge; readonly secret: string }
  | { readonly outcome: 'overlap_lasts' | 'revoked' | 'not_found' };

/** Throws `StoreUnavailable`. */
export async function rotateEdge(
  deps: EdgeDeps,
  { edgeId, caller, overlapSeconds }: EdgeChange & { readonly overlapSeconds: number },
): Promise<RotateEdgeOutcome> {
  const audit = await deps.auditEvent({
    ...{ tenantId: DEFAULT_TENANT_ID, operation: 'edge.rotate', targetId: edgeId, caller },
    changes: { secret: {}, overlap: { after: `${overlapSeconds}s` } },
  });
  const rotated = await deps.edges.rotate({ edgeId, overlapSeconds, audit });
  if (rotated.outcome !== 'rotated') return rotated;
  const secret = await edgeSecretText(await deps.edgeRoot(), rotated.edge);
  await deps.feed.wake();
  return { outcome: 'rotated', edge: rotated.edge, secret };
}

/**
 * No key is sealed for the edge from now on. Those that it has opened it keeps until their epochs end:
 * an edge that was broken into takes a revocation of its keys as well (docs/macaroons.md).
 */
export async function revokeEdge(
  deps: EdgeDeps,
  { edgeId, caller }: EdgeChange,
): Promise<'revoked' | 'already_revoked' | 'not_found'> {
  const audit = await deps.auditEvent({
    ...{ tenantId: DEFAULT_TENANT_ID, operation: 'edge.revoke', targetId: edgeId, caller },
    changes: { status: { after: 'revoked' } },
  });
  const outcome = await deps.edges.revoke({ edgeId, audit });
  if (outcome === 'revoked') await deps.feed.wake();
  return outcome;
}
