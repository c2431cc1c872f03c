/** Types of `adapter.mjs`, for the tests of this folder. */

export type { AdapterOutcome } from './adapter.ts';
export { verifyEd25519, verifyJwt } from './adapter.ts';
