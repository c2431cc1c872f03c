/** Which part of the API a deployment serves. A path of the other part answers as any unknown one. */

/** `admin`: the admin API and the JWKS. `public`: what needs no admin. Health is on every one. */
export type Surface = 'all' | 'admin' | 'public';

export const SURFACES: readonly Surface[] = ['all', 'admin', 'public'];
