/**
 * The one credential of a request: `Authorization: Bearer <token>` (RFC 6750 §2.1). Tokens in the
 * query (§2.3) are refused, because URLs end up in logs and histories; tokens in form bodies (§2.2)
 * are never looked for. Nothing is verified here.
 */

import { kindOfCredential } from '@cardea/shared/credential/kind';
import { TOKEN_BYTES_MAX } from '@cardea/shared/limits';
import { isMacaroonToken, MACAROON_PREFIX } from '@cardea/shared/macaroon/token-text';
import { accept, type Result, refuse } from '@cardea/shared/result';

const ROUTING = { macaroonPrefixes: [MACAROON_PREFIX] };

const BEARER = 'bearer ';
const SPACE = 0x20;
const QUERY_PARAMETER = 'access_token';

/**
 * The text after `Bearer `; a macaroon brings its discharges in the same text. `authorization` is the
 * header's value as Fetch joins it (several values with commas, which no token contains), `query` the
 * raw query; `acceptsMacaroons` says whether this edge has keys for them.
 *
 * Refuses with `credential_missing`, `credential_scheme_unknown`, `credential_ambiguous` (several
 * values, or `access_token` in the query, with or without the header), `token_too_large`,
 * `api_key_not_accepted` (an issued API key) and `token_type_unsupported` (a macaroon, unless
 * `acceptsMacaroons`).
 */
export function extractToken(
  authorization: string | null,
  query: string,
  acceptsMacaroons = false,
): Result<string> {
  if (query !== '' && hasTokenParameter(query)) {
    return refuse('credential_ambiguous', { place: 'query' });
  }
  if (authorization === null || authorization === '') return refuse('credential_missing');
  // Schemes ignore case (RFC 9110 §11.1); "Bearer" as everybody writes it costs no second text.
  if (!authorization.startsWith('Bearer ')) {
    const refusal = refuseOtherScheme(authorization);
    if (refusal !== undefined) return refusal;
  }
  if (authorization.includes(',')) return refuse('credential_ambiguous', { place: 'header' });
  let start = BEARER.length;
  while (authorization.charCodeAt(start) === SPACE) start += 1;
  const token = authorization.slice(start);
  if (token.length > TOKEN_BYTES_MAX) return refuse('token_too_large');
  if (token.startsWith('eyJ') || (acceptsMacaroons && isMacaroonToken(token))) {
    return accept(token);
  }
  return classify(token);
}

type Refused = ReturnType<typeof refuse>;

function refuseOtherScheme(authorization: string): Refused | undefined {
  const lowercase = authorization.toLowerCase();
  if (lowercase.startsWith(BEARER)) return undefined;
  // Fetch trims values, so this is the scheme without anything after it.
  if (lowercase === 'bearer') return refuse('credential_missing');
  const isSecondValue = /,\s*bearer(?:\s|$)/.test(lowercase);
  return refuse(isSecondValue ? 'credential_ambiguous' : 'credential_scheme_unknown');
}

function classify(token: string): Result<string> {
  switch (kindOfCredential(token, ROUTING)) {
    case 'issued':
      return refuse('api_key_not_accepted');
    case 'macaroon':
      return refuse('token_type_unsupported');
    case 'jwt':
    case 'imported': // Any other text, an imported key perhaps: it cannot be told from garbage.
      return accept(token);
  }
}

function hasTokenParameter(query: string): boolean {
  // Most queries have neither the word nor an escape that could spell it.
  if (!query.includes('%') && !query.includes(QUERY_PARAMETER)) return false;
  return new URLSearchParams(query).has(QUERY_PARAMETER);
}
