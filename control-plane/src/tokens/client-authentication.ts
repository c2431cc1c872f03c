/**
 * How an OAuth client presents itself at the token endpoint (RFC 6749 §2.3.1): HTTP Basic with
 * form-encoded parts, or `client_secret` in the body. Pure: nothing is verified here.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';

export interface PresentedClient {
  /** Empty if the client did not name itself: the secret alone says who it is. */
  readonly clientId: string;
  readonly clientSecret: string;
}

export type ClientRead =
  | { readonly outcome: 'presented'; readonly client: PresentedClient }
  /** No secret at all, or an Authorization header that is not Basic as the RFC writes it. */
  | { readonly outcome: 'invalid_client' }
  /** More than one method, or two names. */
  | { readonly outcome: 'invalid_request' };

export function readClient(
  authorization: string | null,
  body: ReadonlyMap<string, string>,
): ClientRead {
  const bodyId = body.get('client_id') ?? '';
  const bodySecret = body.get('client_secret') ?? '';
  if (authorization === null) {
    if (bodySecret === '') return { outcome: 'invalid_client' };
    return { outcome: 'presented', client: { clientId: bodyId, clientSecret: bodySecret } };
  }
  // "The client MUST NOT use more than one authentication method" (§2.3).
  if (bodySecret !== '') return { outcome: 'invalid_request' };
  const basic = readBasic(authorization);
  if (basic === undefined || basic.clientSecret === '') return { outcome: 'invalid_client' };
  if (bodyId !== '' && basic.clientId !== '' && bodyId !== basic.clientId) {
    return { outcome: 'invalid_request' };
  }
  return { outcome: 'presented', client: { ...basic, clientId: basic.clientId || bodyId } };
}

/** RFC 7617 §2 with the parts form-encoded, as RFC 6749 §2.3.1 asks. */
function readBasic(authorization: string): PresentedClient | undefined {
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const pair = encoded === undefined ? undefined : decodeBase64(encoded);
  const colon = pair?.indexOf(':') ?? -1;
  if (pair === undefined || colon < 0) return undefined;
  const clientId = decodeFormText(pair.slice(0, colon));
  const clientSecret = decodeFormText(pair.slice(colon + 1));
  if (clientId === undefined || clientSecret === undefined) return undefined;
  return { clientId, clientSecret };
}

function decodeBase64(text: string): string | undefined {
  try {
    return decodeUtf8(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  } catch {
    return undefined; // `atob` throws for nothing but malformed text.
  }
}

/** application/x-www-form-urlencoded (RFC 6749 appendix B), malformed escapes refused. */
export function decodeFormText(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined; // `decodeURIComponent` throws for nothing but malformed escapes.
  }
}
