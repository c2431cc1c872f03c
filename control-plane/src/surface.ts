/** Which part of the API a deployment serves. A path of the other part answers as any unknown one. */

/**
 * `admin`: the admin API. `public`: self-revocation, the exchange, the feed. The JWKS, health, the
 * version and the reference are on every one.
 */
export type Surface = 'all' | 'admin' | 'public';

export const SURFACES: readonly Surface[] = ['all', 'admin', 'public'];
