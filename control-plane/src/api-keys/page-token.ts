/**
 * Page tokens: where a listing goes on, sealed so that a client can neither read nor make one. Bound
 * to tenant, collection and filter; whoever changes one of them must start again.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { decodeUtf8, encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { openAead, sealAead } from '@cardea/shared/crypto/aead';
import { secondsOf, type UnixSeconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import { PAGE_TOKEN_LENGTH_MAX, PAGE_TOKEN_LIFETIME_SECONDS } from '../limits.ts';

/** What a token is good for. */
export interface Listing {
  readonly tenantId: string;
  readonly collection:
    | 'issued_api_keys'
    | 'imported_api_keys'
    | 'tenants'
    | 'audit_events'
    | 'admin_credentials'
    | 'revocations';
  /** The filter in canonical form. */
  readonly filter: string;
}

type PageTokenDeps = Pick<Deps, 'keys' | 'clock' | 'randomBytes'>;

export async function sealPageToken(
  deps: PageTokenDeps,
  listing: Listing,
  afterKeyId: string,
): Promise<string> {
  const expiresAt = secondsOf(deps.clock.now()) + PAGE_TOKEN_LIFETIME_SECONDS;
  const sealed = await sealAead(deps.keys.pageToken[0], {
    plaintext: encodeUtf8(`${expiresAt} ${afterKeyId}`),
    associatedData: bindingOf(listing),
    nonce: deps.randomBytes(12),
  });
  return encodeBase64url(sealed);
}

/** The key id after which the listing goes on; `undefined` unless the token is ours, for this, and live. */
export async function openPageToken(
  deps: PageTokenDeps,
  listing: Listing,
  pageToken: string,
): Promise<string | undefined> {
  if (pageToken.length > PAGE_TOKEN_LENGTH_MAX) return undefined;
  const sealed = decodeBase64url(pageToken);
  if (sealed === undefined) return undefined;
  for (const key of deps.keys.pageToken) {
    const plaintext = await openAead(key, sealed, bindingOf(listing));
    if (plaintext !== undefined) return readPosition(plaintext, secondsOf(deps.clock.now()));
  }
  return undefined;
}

function bindingOf({ tenantId, collection, filter }: Listing): Uint8Array<ArrayBuffer> {
  return frame('page-token/v1', tenantId, collection, filter);
}

function readPosition(plaintext: Uint8Array, now: UnixSeconds): string | undefined {
  const [expiresAt, afterKeyId] = (decodeUtf8(plaintext) ?? '').split(' ');
  return Number(expiresAt) > now ? afterKeyId : undefined;
}
