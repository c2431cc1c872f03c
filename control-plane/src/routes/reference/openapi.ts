import { openApiDocument } from '../../http/openapi.ts';
import type { Route } from '../../http/route.ts';
import { VERSION } from '../../version.ts';
import { openApiAnswer } from '../messages/public-answers.ts';

/** GET /openapi.json: the routes that this surface serves, made from their own schemas. */
export function openApiRoute(routes: readonly Route[]): Route {
  return {
    operationId: 'getOpenApiDocument',
    summary: 'This document.',
    method: 'GET',
    path: '/openapi.json',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: openApiAnswer },
    handle: async ({ raw }) => Response.json(documentOf(routes, raw), { headers: CACHED }),
  };
}

export function documentOf(routes: readonly Route[], request: Request) {
  const serverUrl = new URL(request.url).origin;
  return openApiDocument(routes, { version: VERSION, serverUrl });
}

/** It changes with the deployment only. */
export const CACHED = { 'Cache-Control': 'public, max-age=300' };
