/**
 * The headers by which the origin learns who calls, and those that must never come from a client.
 * Names are folded before they are compared, because servers fold them: CGI, WSGI and others read
 * `Cardea_Key.Id` and `cardea-key-id` as one variable. See `docs/routes.md`.
 */

import type { VerifiedClaims } from '@cardea/shared/jwt/claims';

/** Name and value of each header, ready to be set. */
export type IdentityHeaders = ReadonlyArray<readonly [name: string, value: string]>;

/** Every name that {@link identityHeadersOf} may use. */
export const IDENTITY_HEADER_NAMES = [
  'cardea-key-id',
  'cardea-tenant',
  'cardea-token-id',
  'cardea-scopes',
  'cardea-expires-at',
  'cardea-actor',
] as const;

/** What the origin is told about a verified token. Every value is ASCII without control characters. */
export function identityHeadersOf(claims: VerifiedClaims): IdentityHeaders {
  const headers: Array<readonly [(typeof IDENTITY_HEADER_NAMES)[number], string]> = [
    ['cardea-key-id', encodeIdentity(claims.keyId)],
    ['cardea-tenant', encodeIdentity(claims.tenantId)],
    ['cardea-token-id', encodeIdentity(claims.tokenId)],
    ['cardea-scopes', claims.scopes.map(encodeIdentity).join(' ')],
    ['cardea-expires-at', String(claims.expiresAtSeconds)],
  ];
  if (claims.actor !== undefined) headers.push(['cardea-actor', encodeIdentity(claims.actor)]);
  return headers;
}

/** Nothing to be encoded: what ids and most scopes are made of. */
const PLAIN = /^[A-Za-z0-9\-._~:/@]*$/;

/**
 * Percent-encodes (RFC 3986 §2.1, of UTF-8) everything but letters, digits and `- . _ ~ : / @`, so that
 * no claim can end a header, start another one, or look like two values. `decodeURIComponent` and
 * its like give the text back.
 */
export function encodeIdentity(text: string): string {
  if (PLAIN.test(text)) return text;
  // Lone surrogates have no UTF-8; strict parsing has refused them before.
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%3A', ':')
    .replaceAll('%2F', '/')
    .replaceAll('%40', '@')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Folded beginnings of names by which proxies and platforms tell servers who calls, or from where. */
const SPOOFABLE_PREFIXES = [
  ...[
    'cardea-',
    'x-cardea-',
    'x-auth',
    'x-user',
    'x-remote-',
    'remote-',
    'x-forwarded-',
    'x-talos-',
    'talos-',
  ],
  ...['cf-', 'x-webauth-', 'x-authentik-', 'x-pomerium-', 'x-consumer-', 'x-credential-'],
  ...['x-goog-iap-', 'x-goog-authenticated-', 'x-amzn-oidc-', 'x-ms-client-principal'],
  ...['x-ssl-client-', 'ssl-client-', 'x-client-cert', 'x-original-', 'x-rewrite-'],
];

/** Folded names of the same sort, hop-by-hop headers (RFC 9110 §7.6.1), and what would undo policy. */
const DROPPED_NAMES: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'host', 'http2-settings'],
  // The runtime counts the body that it sends; a second count is how requests are smuggled.
  'content-length',
  ...['forwarded', 'true-client-ip', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip'],
  ...['x-request-id', 'x-identity', 'x-jwt-assertion', 'x-id-token', 'x-access-token'],
  // Rules are about the method that the origin sees in the request line.
  ...['x-http-method', 'x-http-method-override', 'x-method-override', 'x-http-path-override'],
]);

/** Whether a request header from a client must not reach the origin. Authorization is not among them. */
export function isDroppedFromRequest(name: string): boolean {
  const folded = foldHeaderName(name);
  return (
    DROPPED_NAMES.has(folded) || SPOOFABLE_PREFIXES.some((prefix) => folded.startsWith(prefix))
  );
}

/** Lowercase, and every character that is no letter or digit a hyphen. */
function foldHeaderName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}
