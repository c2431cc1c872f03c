/** A page of keys, over HTTP: the same for both kinds. */

import type { ApiKey } from '../../api-keys/api-key.ts';
import { parseFilter } from '../../api-keys/filter.ts';
import { listApiKeys } from '../../api-keys/list-api-keys.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoInt64, protoMessage, protoString } from '../../http/protojson.ts';
import { parseQuery, type RouteRequest } from '../../http/route.ts';
import {
  FILTER_LENGTH_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
  PAGE_TOKEN_LENGTH_MAX,
} from '../../limits.ts';
import { apiKeyMessage } from './issued-api-key.ts';

const PAGE_FIELDS = {
  page_size: protoInt64()
    .transform(Number)
    .refine((size) => size >= 0 && size <= PAGE_SIZE_MAX, {
      error: `must be from 0 to ${PAGE_SIZE_MAX}`,
    })
    .optional(),
  page_token: protoString({ min: 0, max: PAGE_TOKEN_LENGTH_MAX }).optional(),
};

/** Of every listing that takes no filter. */
export const PageQuery = protoMessage(PAGE_FIELDS);

/** Of every listing that takes a filter. */
export const ListQuery = protoMessage({
  ...PAGE_FIELDS,
  filter: protoString({ min: 0, max: FILTER_LENGTH_MAX }).optional(),
});

export async function answerList(
  deps: Deps,
  kind: ApiKey['kind'],
  request: RouteRequest,
): Promise<Response> {
  const query = parseQuery(request.query, ListQuery);
  if (!query.ok) return problemResponse(query.problem);
  const { page_size: pageSize, page_token: pageToken = '', filter: text = '' } = query.value;
  const filter = parseFilter(text);
  if (!filter.ok) {
    return problemResponse({ code: 'bad_request', message: `filter: ${filter.rule}` });
  }
  const { actorId, status } = filter.filter;
  const isStatusAlone = status !== undefined && actorId === undefined;
  if (isStatusAlone && deps.config.statusOnlyFilter === 'refuse') {
    return problemResponse({ code: 'bad_request', message: STATUS_ALONE_RULE });
  }
  const listed = await listApiKeys(deps, {
    ...{ tenant: request.tenant, kind, filter: filter.filter },
    pageSize: pageSize || PAGE_SIZE_DEFAULT,
    ...(pageToken === '' ? {} : { pageToken }),
  });
  if (listed.outcome === 'page_token_invalid') {
    return problemResponse({ code: 'bad_request', message: PAGE_TOKEN_RULE });
  }
  return Response.json({
    [`${kind}_api_keys`]: listed.keys.map((key) => apiKeyMessage(key, listed.now)),
    next_page_token: listed.nextPageToken ?? '',
  });
}

/** In Talos's words. */
const STATUS_ALONE_RULE = 'status filter must be combined with actor_id';
export const PAGE_TOKEN_RULE = 'page_token: is not one of this listing, or has expired';
