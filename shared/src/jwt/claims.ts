/**
 * The claims of a derived token, typed. `parseClaims` is the only way to get them; the brand of
 * {@link VerifiedClaims} says that a signature was verified as well.
 */

import type { UnixSeconds } from '../time.ts';

declare const verified: unique symbol;

export interface TokenClaims {
  /** `jti`: a version-4 UUID. */
  readonly tokenId: string;
  /** `sub`: the id of the API key at the root of the derivation. */
  readonly keyId: string;
  /** `iss` */
  readonly issuer: string;
  /** `aud`: one or several. */
  readonly audiences: readonly string[];
  /** `nid`: the tenant, a UUID. */
  readonly tenantId: string;
  readonly issuedAtSeconds: UnixSeconds;
  readonly notBeforeSeconds?: UnixSeconds;
  readonly expiresAtSeconds: UnixSeconds;
  /** `act`: the actor's name, as the administrator chose it. */
  readonly actor?: string;
  /** `act_sid`: the actor's scope id, 16 hexadecimal digits (`feed/scope-id`). */
  readonly actorScopeId?: string;
  /** `scp` */
  readonly scopes: readonly string[];
  /** `anc`: the `jti` of every derived token that this one was derived from, oldest first. */
  readonly ancestorTokenIds: readonly string[];
  /** `acl`: CIDR ranges the token may be used from; absent means anywhere. */
  readonly allowedCidrs?: readonly string[];
  /** `vis` */
  readonly visibility?: 'secret' | 'public';
  /** `meta`: the key's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Every other member: claims the deriving client added. Own properties, null prototype. */
  readonly customClaims: Readonly<Record<string, unknown>>;
}

export type VerifiedClaims = TokenClaims & { readonly [verified]: true };

/** Names that a deriving client cannot set. Talos's list, and our own short names. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...['jti', 'sub', 'iss', 'aud', 'iat', 'exp', 'nbf', 'nid', 'akid', 'pid', 'tty', 'oid', 'scp'],
  ...['scope', 'meta', 'vis', 'acl', 'act', 'act_sid', 'anc', 'cnf', 'client_id'],
]);
