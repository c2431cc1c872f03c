/**
 * The text of a macaroon as a token: `mc_v1_`, the macaroon, then each discharge after a dot, all of
 * them in binary form (`codec-v2.ts`) and canonical base64url.
 */

import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { DISCHARGES_MAX, TOKEN_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import { encodeMacaroon, parseMacaroon } from './codec-v2.ts';
import type { Macaroon } from './macaroon.ts';
import type { MacaroonWithDischarges } from './verify-chain.ts';

/** Before `_v1_`, as in `credential/kind.ts`. */
export const MACAROON_PREFIX = 'mc';
const START = `${MACAROON_PREFIX}_v1_`;

/** Whether a text is a macaroon by its looks. Nothing is read. */
export function isMacaroonToken(text: string): boolean {
  return text.startsWith(START);
}

/**
 * Refuses with `token_too_large` (over `TOKEN_BYTES_MAX` characters) and `macaroon_malformed` (another
 * start, base64url that is not canonical, more than `DISCHARGES_MAX` discharges, and as
 * {@link parseMacaroon} does). Nothing is verified.
 */
export function readMacaroonToken(text: string): Result<MacaroonWithDischarges> {
  if (text.length > TOKEN_BYTES_MAX) return refuse('token_too_large');
  if (!text.startsWith(START)) return refuse('macaroon_malformed', { part: 'prefix' });
  const parts = text.slice(START.length).split('.', DISCHARGES_MAX + 2);
  if (parts.length > DISCHARGES_MAX + 1)
    return refuse('macaroon_malformed', { part: 'discharges' });
  const macaroons: Macaroon[] = [];
  for (const part of parts) {
    const bytes = decodeBase64url(part);
    if (bytes === undefined) return refuse('macaroon_malformed', { part: 'base64url' });
    const macaroon = parseMacaroon(bytes);
    if (!macaroon.ok) return macaroon;
    macaroons.push(macaroon.value);
  }
  const [macaroon, ...discharges] = macaroons;
  if (macaroon === undefined) return refuse('macaroon_malformed', { part: 'header' });
  return accept({ macaroon, discharges });
}

/** Refuses with `token_too_large` if no reader would take it. */
export function writeMacaroonToken(token: MacaroonWithDischarges): Result<string> {
  const macaroons = [token.macaroon, ...token.discharges];
  const text = START + macaroons.map((each) => encodeBase64url(encodeMacaroon(each))).join('.');
  return text.length > TOKEN_BYTES_MAX ? refuse('token_too_large') : accept(text);
}
