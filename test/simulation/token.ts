/** A derived token as the simulation knows it: its text, and what it can be revoked by. */

import {
  EVERYTHING,
  parseScopeId,
  type ScopeId,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';

export interface Token {
  readonly name: string;
  readonly text: string;
  /** Minted by somebody who has a copy of a signing key. */
  readonly isStolen: boolean;
  readonly kid: string;
  readonly tokenId: string;
  readonly keyId: string;
  readonly actor: string;
  /** Times by the database's clock, seconds. */
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  readonly scopeIds: readonly ScopeId[];
}

/** Reads a token without verifying anything: it is ours, or a forgery that we made. */
export async function readToken(name: string, text: string, isStolen = false): Promise<Token> {
  const [header = '', payload = ''] = text.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const named = [
    scopeIdOfUuid(claims.jti),
    ...(claims.anc ?? []).map(scopeIdOfUuid),
    scopeIdOfKey(claims.sub),
    parseScopeId(claims.act_sid),
    scopeIdOfUuid(claims.nid),
  ];
  return {
    ...{ name, text, isStolen, kid, tokenId: claims.jti, keyId: claims.sub },
    actor: claims.act,
    issuedAtSeconds: claims.iat,
    expiresAtSeconds: claims.exp,
    scopeIds: [
      EVERYTHING,
      await scopeIdOfSigningKey(kid),
      ...named.filter((id) => id !== undefined),
    ],
  };
}
