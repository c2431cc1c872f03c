/** Who makes an admin call, and what that caller may do. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import { equalConstantTime } from '@cardea/shared/crypto/equal-constant-time';

/** What a route needs. `anonymous` routes need nobody; every other one needs a principal. */
export type Permission =
  | 'anonymous'
  | 'api_keys.read'
  | 'api_keys.write'
  | 'api_keys.verify'
  | 'tokens.derive'
  | 'signing_keys.read'
  | 'signing_keys.write'
  | 'revocations.read'
  | 'revocations.write';

/** For now there is one: the holder of the bootstrap token, who may do everything. */
export interface Principal {
  readonly kind: 'bootstrap_admin';
}

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1), one space, b64token. */
const BEARER = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/** The caller, or `undefined` for anybody unknown. The token is compared by its hash alone. */
export async function authenticateAdmin(
  headers: Headers,
  adminTokenSha256: Uint8Array,
): Promise<Principal | undefined> {
  const token = BEARER.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) return undefined;
  const hash = await sha256(encodeUtf8(token));
  return equalConstantTime(hash, adminTokenSha256) ? { kind: 'bootstrap_admin' } : undefined;
}

export function permits(principal: Principal, permission: Permission): boolean {
  switch (principal.kind) {
    case 'bootstrap_admin':
      return permission !== 'anonymous';
  }
}
