import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import { serverMetadataAnswer } from '../messages/public-answers.ts';

function metadataOf({ issuer }: Tenant) {
  const base = issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
  return {
    issuer,
    token_endpoint: `${base}/oauth2/token`,
    jwks_uri: `${base}/v2alpha1/derivedKeys/jwks.json`,
    grant_types_supported: [
      ...['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ],
    // `none`: for a token exchange, where the subject token authenticates.
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    response_types_supported: [],
  };
}

/** GET /.well-known/oauth-authorization-server: RFC 8414 §2, what a client needs to exchange. */
export function authorizationServerMetadataRoute(_deps: Deps): Route {
  return {
    operationId: 'getAuthorizationServerMetadata',
    summary: 'Where and how a client exchanges its API key (RFC 8414).',
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    surface: 'public',
    permission: 'anonymous',
    answers: { 200: serverMetadataAnswer },
    handle: async ({ tenant }) =>
      Response.json(metadataOf(tenant), { headers: { 'Cache-Control': 'public, max-age=300' } }),
  };
}
