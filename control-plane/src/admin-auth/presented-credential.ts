/** What an administrator shows: in `Authorization`, or in the header of Cloudflare Access. Pure. */

export type PresentedCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  /** RFC 6750 §2.1. What kind of token it is, is not looked at. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** Cloudflare Access sets it, for a browser by a cookie: see {@link isCrossSite}. */
  | { readonly kind: 'access_assertion'; readonly token: string };

/** The scheme is case-insensitive (RFC 9110 §11.1), one space, b64token (RFC 6750 §2.1). */
const BEARER = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i;

const ASSERTION_HEADER = 'cf-access-jwt-assertion';

/**
 * `Authorization` decides if it is there: machines behind Cloudflare Access show a credential of
 * their own besides. There is no second try with the other one.
 */
export function readPresented(
  headers: Headers,
  { acceptsAssertions }: { readonly acceptsAssertions: boolean },
): PresentedCredential {
  const authorization = headers.get('authorization');
  if (authorization !== null) {
    const token = BEARER.exec(authorization)?.[1];
    return token === undefined ? { kind: 'malformed' } : { kind: 'bearer', token };
  }
  const assertion = acceptsAssertions ? headers.get(ASSERTION_HEADER) : null;
  return assertion === null ? { kind: 'none' } : { kind: 'access_assertion', token: assertion };
}

/**
 * Whether a browser says that another site made it send this request. A header that Cloudflare
 * Access sets by a cookie comes with those as well (cross-site request forgery); a header that a
 * program sets does not.
 */
export function isCrossSite({ headers, url }: Pick<Request, 'headers' | 'url'>): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') return true;
  const origin = headers.get('origin');
  // The scheme may be another one behind a proxy that ends TLS.
  return origin !== null && URL.parse(origin)?.host !== new URL(url).host;
}
