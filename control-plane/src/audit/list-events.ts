/** Lists audit events, page by page, newest first. */

import { unixMilliseconds } from '@cardea/shared/time';
import { canonicalJson } from '../api-keys/canonical-json.ts';
import { openPageToken, sealPageToken } from '../api-keys/page-token.ts';
import type { Deps } from '../deps.ts';
import type { Principal } from '../http/principal.ts';
import type { AuditEvent } from './audit-event.ts';
import type { EventFilter } from './filter.ts';
import type { AuditQuery } from './store.ts';

export type EventPage =
  | {
      readonly outcome: 'listed';
      readonly events: readonly AuditEvent[];
      readonly nextPageToken?: string;
    }
  | { readonly outcome: 'page_token_invalid' };

export interface EventPageRequest {
  readonly filter: EventFilter;
  readonly pageSize: number;
  readonly pageToken?: string;
}

/** What a caller may see of what it asks for. One that is bound to a tenant sees that one's alone. */
export function visibleTo(principal: Principal | undefined, filter: EventFilter): EventFilter {
  const tenantId = principal?.tenantId;
  return tenantId === undefined ? filter : { ...filter, tenantId };
}

export async function listEvents(
  deps: Pick<Deps, 'auditEvents' | 'keys' | 'clock' | 'randomBytes'>,
  { filter, pageSize, pageToken }: EventPageRequest,
): Promise<EventPage> {
  const listing = {
    tenantId: filter.tenantId ?? '',
    collection: 'audit_events',
    filter: canonicalJson(filter),
  } as const;
  let query: AuditQuery = { ...filter, pageSize };
  if (pageToken !== undefined) {
    const after = parsePosition(await openPageToken(deps, listing, pageToken));
    if (after === undefined) return { outcome: 'page_token_invalid' };
    query = { ...query, after };
  }
  const { events, hasMore } = await deps.auditEvents.list(query);
  const last = events.at(-1);
  if (!hasMore || last === undefined) return { outcome: 'listed', events };
  const position = `${last.time}/${last.eventId}`;
  return { outcome: 'listed', events, nextPageToken: await sealPageToken(deps, listing, position) };
}

/** Every event of the filter, newest first, a page in memory at a time. */
export async function* everyEvent(
  { auditEvents }: Pick<Deps, 'auditEvents'>,
  filter: EventFilter,
): AsyncGenerator<readonly AuditEvent[]> {
  let query: AuditQuery = { ...filter, pageSize: EXPORT_PAGE_SIZE };
  for (;;) {
    const { events, hasMore } = await auditEvents.list(query);
    yield events;
    const last = events.at(-1);
    if (!hasMore || last === undefined) return;
    query = { ...query, after: last };
  }
}

const EXPORT_PAGE_SIZE = 500;

function parsePosition(text: string | undefined): AuditQuery['after'] {
  const [time = '', eventId] = text?.split('/') ?? [];
  if (eventId === undefined || !/^\d{1,16}$/.test(time)) return undefined;
  return { time: unixMilliseconds(Number(time)), eventId };
}
