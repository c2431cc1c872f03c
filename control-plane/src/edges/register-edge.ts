/** Registers an edge: its secret is told once, to whoever registers it. */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import { EDGE_PAIRS_MAX } from '../limits.ts';
import type { Edge } from './edge.ts';
import { edgeSecretText } from './edge-secret.ts';
import type { NewEdge } from './store.ts';

export type EdgeDeps = Pick<
  Deps,
  'auditEvent' | 'edgeRoot' | 'edges' | 'feed' | 'randomBytes' | 'tenants'
>;

export interface EdgeRegistration extends Omit<NewEdge, 'edgeId'> {
  readonly caller: Caller;
}

export type RegisterEdgeOutcome =
  /** `secret`: shown this once. */
  | { readonly outcome: 'registered'; readonly edge: Edge; readonly secret: string }
  | { readonly outcome: 'tenant_unknown' | 'name_taken' | 'too_many' };

/** Throws `StoreUnavailable`. A publisher that cannot be told finds the edge by itself. */
export async function registerEdge(
  deps: EdgeDeps,
  { caller, name, tenantIds, audiences }: EdgeRegistration,
): Promise<RegisterEdgeOutcome> {
  for (const tenantId of tenantIds) {
    if ((await deps.tenants.byId(tenantId)) === undefined) return { outcome: 'tenant_unknown' };
  }
  const edgeId = formatUuid(uuidV4FromRandom(deps.randomBytes(16)));
  const audit = await deps.auditEvent({
    ...{ tenantId: DEFAULT_TENANT_ID, operation: 'edge.create', targetId: edgeId, caller },
    changes: {
      name: { after: name },
      tenants: { after: tenantIds },
      audiences: { after: audiences },
    },
  });
  const edge = { edgeId, name, tenantIds, audiences };
  const inserted = await deps.edges.insert(edge, { pairsMax: EDGE_PAIRS_MAX, audit });
  if (inserted.outcome !== 'inserted') return { outcome: inserted.outcome };
  const secret = await edgeSecretText(await deps.edgeRoot(), inserted.edge);
  await deps.feed.wake();
  return { outcome: 'registered', edge: inserted.edge, secret };
}
