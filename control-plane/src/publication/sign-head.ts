/** Signs heads with the feed key. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { feedKeyId } from '@cardea/shared/feed/feed-key';
import { encodeHeadPayload, type UnsignedHead } from '@cardea/shared/feed/head';
import { headProtectedHeader } from '@cardea/shared/feed/head-signature';
import { CompactSign, importJWK } from 'jose';
import type { Ed25519PrivateJwk } from '../ed25519-private-jwk.ts';
import type { Secret } from '../secret.ts';

/** Compact JWS (RFC 7515 §7.1) of a head. */
export type SignHead = (head: UnsignedHead) => Promise<string>;

export async function createHeadSigner(signingKey: Secret<Ed25519PrivateJwk>): Promise<SignHead> {
  const jwk = signingKey.reveal();
  const key = await importJWK({ ...jwk }, 'EdDSA', { extractable: false });
  const protectedHeader = headProtectedHeader(await feedKeyId(jwk.x));
  return (head) =>
    new CompactSign(encodeUtf8(encodeHeadPayload(head)))
      .setProtectedHeader(protectedHeader)
      .sign(key);
}
