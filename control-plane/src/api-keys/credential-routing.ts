/** How the control plane tells kinds of credentials apart, and how long each may be. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { type CredentialRouting, kindOfCredential } from '@cardea/shared/credential/kind';
import { API_KEY_BYTES_MAX, TOKEN_BYTES_MAX } from '@cardea/shared/limits';

/** Macaroons are recognised, so that none is ever taken for an imported key. */
export const CREDENTIAL_ROUTING: CredentialRouting = { macaroonPrefixes: ['mc'] };

/** Tokens may be longer than keys. */
export function isCredentialTooLong(text: string): boolean {
  const kind = kindOfCredential(text, CREDENTIAL_ROUTING);
  const isToken = kind === 'jwt' || kind === 'macaroon';
  return encodeUtf8(text).length > (isToken ? TOKEN_BYTES_MAX : API_KEY_BYTES_MAX);
}
