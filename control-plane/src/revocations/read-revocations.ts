/** Lists the revocations of a tenant, page by page, newest first; and reads one of them. */

import {
  type ScopeId,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import { canonicalJson } from '../api-keys/canonical-json.ts';
import { type Listing, openPageToken, sealPageToken } from '../api-keys/page-token.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { RevocationFilter } from './filter.ts';
import type { RevocationQuery, RevocationsRead } from './ledger.ts';
import { rowsWithStatus } from './status.ts';

export interface RevocationPageRequest {
  readonly tenant: Tenant;
  readonly filter: RevocationFilter;
  readonly pageSize: number;
  readonly pageToken?: string;
}

export type RevocationPage =
  | (RevocationsRead & { readonly outcome: 'listed'; readonly nextPageToken?: string })
  | { readonly outcome: 'page_token_invalid' };

type ListingDeps = Pick<
  Deps,
  'announcer' | 'clock' | 'keys' | 'minting' | 'randomBytes' | 'revocationLedger'
>;

export async function listRevocations(
  deps: ListingDeps,
  { tenant, filter, pageSize, pageToken }: RevocationPageRequest,
): Promise<RevocationPage> {
  const { tenantId } = tenant;
  const collection = 'revocations';
  const listing: Listing = { tenantId, collection, filter: canonicalJson(filter) };
  let after: RevocationQuery['after'];
  if (pageToken !== undefined) {
    after = parsePosition(await openPageToken(deps, listing, pageToken));
    if (after === undefined) return { outcome: 'page_token_invalid' };
  }
  const conditions = await conditionsOf(deps, tenantId, filter);
  if (conditions === undefined) return { outcome: 'listed', revocations: [], now: unixSeconds(0) };
  const { revocations, now, hasMore } = await deps.revocationLedger.list({
    ...{ tenantId, pageSize, ...conditions },
    ...(after === undefined ? {} : { after }),
  });
  const last = revocations.at(-1);
  if (!hasMore || last === undefined) return { outcome: 'listed', revocations, now };
  const position = `${last.createdAtSeconds}/${last.revocationId}`;
  const nextPageToken = await sealPageToken(deps, listing, position);
  return { outcome: 'listed', revocations, now, nextPageToken };
}

export function findRevocation(
  { revocationLedger }: Pick<Deps, 'revocationLedger'>,
  tenantId: string,
  revocationId: string,
): Promise<RevocationsRead> {
  return revocationLedger.findMany(tenantId, [revocationId]);
}

type Conditions = Omit<RevocationQuery, 'tenantId' | 'pageSize' | 'after'>;

/** `undefined` if no row can be meant. */
async function conditionsOf(
  deps: Pick<Deps, 'announcer' | 'minting'>,
  tenantId: string,
  { target, subject, status, since, until }: RevocationFilter,
): Promise<Conditions | undefined> {
  const rows = status === undefined ? {} : rowsWithStatus(status, deps.announcer);
  if (rows === undefined) return undefined;
  const scopeIds = subject === undefined ? undefined : await scopeIdsOf(deps, tenantId, subject);
  return {
    ...rows,
    ...(target === undefined ? {} : { scope: target }),
    ...(scopeIds === undefined ? {} : { scopeIds }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** By whatever a text may name: there is an index over scope ids, and none over names. */
async function scopeIdsOf(
  { minting }: Pick<Deps, 'minting'>,
  tenantId: string,
  subject: string,
): Promise<readonly ScopeId[]> {
  const possible = [
    scopeIdOfUuid(subject),
    scopeIdOfKey(subject),
    await scopeIdOfSigningKey(subject),
    await minting.actorScopes.named({ tenantId, actor: subject }),
  ];
  return possible.filter((scopeId) => scopeId !== undefined);
}

function parsePosition(text: string | undefined): RevocationQuery['after'] {
  const [time = '', revocationId] = text?.split('/') ?? [];
  if (revocationId === undefined || !/^\d{1,10}$/.test(time)) return undefined;
  return { createdAtSeconds: unixSeconds(Number(time)), revocationId };
}
