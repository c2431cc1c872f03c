/** Types of `adapter.mjs`, for the tests of this folder. */

export type { AdapterOutcome } from './adapter.ts';
export { verifyEd25519, verifyJwt } from './adapter.ts';
export type {
  MacaroonOutcome,
  MacaroonParseOutcome,
  MacaroonSignatureOutcome,
} from './macaroon-adapter.ts';
export { macaroonSignature, parseMacaroon, verifyMacaroon } from './macaroon-adapter.ts';
