/**
 * The control plane as one Hono application. Composition is by hand: every route file is named here,
 * and a route is what its file says, nothing more.
 */

import { Hono } from 'hono';
import type { Deps } from './deps.ts';
import { guardAdminPaths } from './http/admin-guard.ts';
import { ExactPathRouter } from './http/exact-path-router.ts';
import { answerFailure } from './http/failure.ts';
import { ADMIN_PREFIXES, type HonoEnv, mountRoute } from './http/mount-routes.ts';
import { observeRequests } from './http/observe-requests.ts';
import { problemResponse } from './http/problem.ts';
import { requestIdOf } from './http/request-id.ts';
import { routingPath } from './http/request-url.ts';
import type { Route } from './http/route.ts';
import { CACHE_CONTROL_DEFAULT, SECURITY_HEADERS } from './http/security-headers.ts';
import { createAdminCredentialRoute } from './routes/admin-credentials/create.ts';
import { getAdminCredentialRoute } from './routes/admin-credentials/get.ts';
import { listAdminCredentialsRoute } from './routes/admin-credentials/list.ts';
import { revokeAdminCredentialRoute } from './routes/admin-credentials/revoke.ts';
import { rotateAdminCredentialRoute } from './routes/admin-credentials/rotate.ts';
import { batchVerifyRoute } from './routes/api-keys/batch-verify.ts';
import { revokeApiKeyRoute } from './routes/api-keys/revoke.ts';
import { selfRevokeRoute } from './routes/api-keys/self-revoke.ts';
import { verifyApiKeyRoute } from './routes/api-keys/verify.ts';
import { compareAuditEventsRoute } from './routes/audit-events/compare.ts';
import { exportAuditEventsRoute } from './routes/audit-events/export.ts';
import { listAuditEventsRoute } from './routes/audit-events/list.ts';
import { verifyAuditEventsRoute } from './routes/audit-events/verify.ts';
import { jwksRoute } from './routes/derived-keys/jwks.ts';
import { dischargeRoute } from './routes/discharge/discharge.ts';
import { makeCaveatRoute } from './routes/discharge/make-caveat.ts';
import { createEdgeRoute } from './routes/edges/create.ts';
import { getEdgeRoute } from './routes/edges/get.ts';
import { listEdgesRoute } from './routes/edges/list.ts';
import { revokeEdgeRoute } from './routes/edges/revoke.ts';
import { rotateEdgeRoute } from './routes/edges/rotate.ts';
import { feedHeadRoute } from './routes/feed/head.ts';
import { feedKeysetRoute } from './routes/feed/keyset.ts';
import { feedSegmentRoute } from './routes/feed/segment.ts';
import { feedStatusRoute } from './routes/feed/status.ts';
import { aliveRoute } from './routes/health/alive.ts';
import { readyRoute } from './routes/health/ready.ts';
import { batchCreateImportedApiKeysRoute } from './routes/imported-api-keys/batch-create.ts';
import { deleteImportedApiKeyRoute } from './routes/imported-api-keys/delete.ts';
import { disableImportedApiKeyRoute } from './routes/imported-api-keys/disable.ts';
import { enableImportedApiKeyRoute } from './routes/imported-api-keys/enable.ts';
import { getImportedApiKeyRoute } from './routes/imported-api-keys/get.ts';
import { importApiKeyRoute } from './routes/imported-api-keys/import.ts';
import { listImportedApiKeysRoute } from './routes/imported-api-keys/list.ts';
import { revokeImportedApiKeyRoute } from './routes/imported-api-keys/revoke.ts';
import { updateImportedApiKeyRoute } from './routes/imported-api-keys/update.ts';
import { disableIssuedApiKeyRoute } from './routes/issued-api-keys/disable.ts';
import { enableIssuedApiKeyRoute } from './routes/issued-api-keys/enable.ts';
import { getIssuedApiKeyRoute } from './routes/issued-api-keys/get.ts';
import { issueApiKeyRoute } from './routes/issued-api-keys/issue.ts';
import { listIssuedApiKeysRoute } from './routes/issued-api-keys/list.ts';
import { revokeIssuedApiKeyRoute } from './routes/issued-api-keys/revoke.ts';
import { rotateIssuedApiKeyRoute } from './routes/issued-api-keys/rotate.ts';
import { updateIssuedApiKeyRoute } from './routes/issued-api-keys/update.ts';
import { authorizationServerMetadataRoute } from './routes/oauth2/metadata.ts';
import { tokenRoute } from './routes/oauth2/token.ts';
import { openApiRoute } from './routes/reference/openapi.ts';
import { referenceRoute } from './routes/reference/page.ts';
import { batchCreateRevocationsRoute } from './routes/revocations/batch-create.ts';
import { createRevocationRoute } from './routes/revocations/create.ts';
import { getRevocationRoute } from './routes/revocations/get.ts';
import { listRevocationsRoute } from './routes/revocations/list.ts';
import { listSigningKeysRoute } from './routes/signing-keys/list.ts';
import { rotateSigningKeyRoute } from './routes/signing-keys/rotate.ts';
import { createTenantRoute } from './routes/tenants/create.ts';
import { deleteTenantRoute } from './routes/tenants/delete.ts';
import { getTenantRoute } from './routes/tenants/get.ts';
import { listTenantsRoute } from './routes/tenants/list.ts';
import { updateTenantRoute } from './routes/tenants/update.ts';
import { deriveTokenRoute } from './routes/tokens/derive.ts';
import { versionRoute } from './routes/version/version.ts';
import type { Surface } from './surface.ts';

const ROUTES: ReadonlyArray<(deps: Deps) => Route> = [
  issueApiKeyRoute,
  listIssuedApiKeysRoute,
  getIssuedApiKeyRoute,
  rotateIssuedApiKeyRoute,
  revokeIssuedApiKeyRoute,
  updateIssuedApiKeyRoute,
  enableIssuedApiKeyRoute,
  disableIssuedApiKeyRoute,
  importApiKeyRoute,
  batchCreateImportedApiKeysRoute,
  listImportedApiKeysRoute,
  getImportedApiKeyRoute,
  updateImportedApiKeyRoute,
  enableImportedApiKeyRoute,
  disableImportedApiKeyRoute,
  revokeImportedApiKeyRoute,
  deleteImportedApiKeyRoute,
  revokeApiKeyRoute,
  verifyApiKeyRoute,
  batchVerifyRoute,
  selfRevokeRoute,
  deriveTokenRoute,
  jwksRoute,
  tokenRoute,
  authorizationServerMetadataRoute,
  makeCaveatRoute,
  dischargeRoute,
  feedHeadRoute,
  feedKeysetRoute,
  feedSegmentRoute,
  createEdgeRoute,
  listEdgesRoute,
  getEdgeRoute,
  rotateEdgeRoute,
  revokeEdgeRoute,
  feedStatusRoute,
  createRevocationRoute,
  batchCreateRevocationsRoute,
  listRevocationsRoute,
  getRevocationRoute,
  listSigningKeysRoute,
  rotateSigningKeyRoute,
  createAdminCredentialRoute,
  listAdminCredentialsRoute,
  getAdminCredentialRoute,
  rotateAdminCredentialRoute,
  revokeAdminCredentialRoute,
  createTenantRoute,
  listTenantsRoute,
  getTenantRoute,
  updateTenantRoute,
  deleteTenantRoute,
  listAuditEventsRoute,
  exportAuditEventsRoute,
  verifyAuditEventsRoute,
  compareAuditEventsRoute,
  aliveRoute,
  readyRoute,
  versionRoute,
];

/** The routes of one surface; `all` serves every one. */
export function routesOf(deps: Deps, surface: Surface): readonly Route[] {
  const routes = ROUTES.map((makeRoute) => makeRoute(deps)).filter(
    (route) => surface === 'all' || route.surface === 'all' || route.surface === surface,
  );
  // The document describes itself too.
  routes.push(openApiRoute(routes), referenceRoute(routes));
  return routes;
}

/** Unless a route says otherwise. */
const HEADERS_OF_EVERY_ANSWER = Object.entries({
  ...SECURITY_HEADERS,
  'Cache-Control': CACHE_CONTROL_DEFAULT,
});

export function createApp(deps: Deps, surface: Surface = 'all'): Hono<HonoEnv> {
  const app = new Hono<HonoEnv>({ getPath: routingPath, router: new ExactPathRouter() });
  app.use('*', observeRequests(deps));
  app.use('*', async (context, next) => {
    const requestId = requestIdOf(context.req.raw.headers, deps.randomBytes);
    context.set('requestId', requestId);
    context.set('clientAddress', deps.clientAddressOf(context.req.raw, context.env));
    await next();
    // Not `context.header`: on a finished answer it makes a new one, each time.
    const { headers } = context.res;
    headers.set('X-Request-ID', requestId);
    for (const [name, value] of HEADERS_OF_EVERY_ANSWER) {
      if (!headers.has(name)) headers.set(name, value);
    }
  });
  const guard = guardAdminPaths(deps);
  // Where the admin API is not served its paths are unknown ones, to admins too.
  for (const prefix of surface === 'public' ? [] : ADMIN_PREFIXES) {
    app.use(`${prefix}/*`, guard);
  }
  for (const route of routesOf(deps, surface)) mountRoute(app, route, deps);
  app.notFound(() => problemResponse({ code: 'not_found' }));
  app.onError((error, context) => answerFailure(error, deps.log, context.get('requestId')));
  return app;
}
