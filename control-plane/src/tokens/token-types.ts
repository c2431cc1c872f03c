/** How OAuth names the forms of a derived token (RFC 8693 §3). Pure. */

import type { TokenForm } from './parent-caveats.ts';

const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
/** Ours: no registered name says macaroon. */
export const MACAROON_TYPE = 'urn:cardea:params:oauth:token-type:macaroon';

const FORMS: ReadonlyMap<string, TokenForm> = new Map([
  [JWT_TYPE, 'jwt'],
  ['urn:ietf:params:oauth:token-type:access_token', 'jwt'],
  [MACAROON_TYPE, 'macaroon'],
]);

export const TOKEN_TYPES: readonly string[] = [...FORMS.keys()];

/** `undefined` for a type that is neither issued nor taken. */
export function formOfTokenType(type: string): TokenForm | undefined {
  return FORMS.get(type);
}

export function tokenTypeOf(form: TokenForm): string {
  return form === 'jwt' ? JWT_TYPE : MACAROON_TYPE;
}
