/** Derived tokens for tests, made by jose: what the edge accepts is not judged by its own code. */

import { type FixedKey, fixedKey } from '@cardea/shared/feed/testing/feed-fixture';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { SignJWT } from 'jose';

/** The private halves of `tokenKey` and `otherTokenKey` of the scripted feed. */
export const tokenSigner = await fixedKey(3);
export const otherTokenSigner = await fixedKey(4);

export const TOKEN_ID = '1b4e28ba-2fa1-4d2e-883f-0016d3cca427';
export const KEY_ID = '6fa459ea-ee8a-4ca4-894e-db77e160355e';
export const ANCESTOR_ID = '2c5ea4c0-4067-4fe9-8bad-9b1deb4d3b7d';
export const ACTOR_SCOPE_ID = '00112233445566aa';

export interface TokenOptions {
  readonly signer?: FixedKey;
  /** Members of the header beside, or instead of, `alg`, `kid` and `typ`. */
  readonly header?: Record<string, unknown>;
}

/**
 * A token issued at `nowSeconds` for 15 minutes with the scopes `notes:read` and `notes:write`.
 * A claim that `changes` sets to `undefined` is left out.
 */
export async function tokenAt(
  nowSeconds: number,
  changes: Record<string, unknown> = {},
  { signer = tokenSigner, header = {} }: TokenOptions = {},
): Promise<string> {
  const claims = {
    jti: TOKEN_ID,
    sub: KEY_ID,
    iss: 'https://issuer.test',
    aud: 'https://api.test',
    nid: DEFAULT_TENANT_ID,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 900,
    act: 'alice@example.test',
    act_sid: ACTOR_SCOPE_ID,
    scp: ['notes:read', 'notes:write'],
    ...changes,
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid: signer.kid, typ: 'JWT', ...header })
    .sign(signer.privateKey);
}
