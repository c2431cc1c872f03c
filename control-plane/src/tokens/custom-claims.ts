/** Which claims a deriving client may add. Pure. */

import { RESERVED_CLAIMS } from '@cardea/shared/jwt/claims';

export type Claims = Readonly<Record<string, unknown>>;

export interface CustomClaims {
  readonly claims: Claims;
  /** Names that were asked for and left out. */
  readonly stripped: readonly string[];
}

/**
 * The claims of a new token beside our own. Reserved names are left out, as Talos does. A claim of
 * the parent token is kept as it is: dropping or changing it could take a restriction away.
 */
export function customClaimsOf(requested: Claims, inherited: Claims): CustomClaims {
  const names = Object.keys(requested);
  const stripped = names.filter(
    (name) => RESERVED_CLAIMS.has(name) || name === '__proto__' || Object.hasOwn(inherited, name),
  );
  const added = names.filter((name) => !stripped.includes(name));
  const entries = added.map((name) => [name, requested[name]] as const);
  // `fromEntries` defines own properties, whatever their names.
  return { claims: Object.fromEntries([...entries, ...Object.entries(inherited)]), stripped };
}
