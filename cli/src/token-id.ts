/** The `jti` of a token, read without verifying anything: of a JWT, or of a macaroon. */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { isMacaroonToken, readMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { parseJsonObject } from './json-object.ts';

/** `undefined` if there is none. */
export function tokenIdOf(token: string): string | undefined {
  const json = isMacaroonToken(token) ? macaroonIdentifier(token) : jwtPayload(token);
  const jti = parseJsonObject(json ?? '')?.jti;
  return typeof jti === 'string' && jti !== '' ? jti : undefined;
}

function jwtPayload(token: string): string | undefined {
  const [, payload = '', ...rest] = token.split('.');
  const bytes = rest.length === 1 ? decodeBase64url(payload) : undefined;
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

function macaroonIdentifier(token: string): string | undefined {
  const read = readMacaroonToken(token);
  return read.ok ? decodeUtf8(read.value.macaroon.identifier) : undefined;
}
