/** The body of a token request: form-encoded, read strictly (RFC 6749 §3.2 and appendix B). Pure. */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { decodeFormText } from './client-authentication.ts';

/** What breaks a request, in the words of RFC 6749 §5.2, with a text for the developer. */
export interface ExchangeError {
  readonly error: 'invalid_request' | 'unsupported_grant_type' | 'invalid_scope';
  readonly description: string;
}

export type FormRead =
  | { readonly ok: true; readonly form: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly description: string };

export function isFormType(contentType: string | null): boolean {
  return /^application\/x-www-form-urlencoded(?:\s*;.*)?$/i.test(contentType?.trim() ?? '');
}

/** "Parameters without a value MUST be treated as omitted", none "more than once" (§3.2). */
export function readForm(bytes: Uint8Array): FormRead {
  const text = decodeUtf8(bytes);
  if (text === undefined) return broken('The body is not UTF-8.');
  const form = new Map<string, string>();
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const equals = pair.indexOf('=');
    const name = decodeFormText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeFormText(pair.slice(equals + 1));
    if (name === undefined || value === undefined) return broken('The body is not form-encoded.');
    if (form.has(name)) return broken('A parameter is given twice.');
    form.set(name, value);
  }
  return { ok: true, form };
}

function broken(description: string): FormRead {
  return { ok: false, description };
}

export interface ExchangeTerms {
  /** Empty: all of the key's. */
  readonly scopes: readonly string[];
  readonly lifetimeSeconds?: number;
}

/** RFC 6749 §3.3: scope-tokens, one space between them. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const SECONDS = /^[1-9][0-9]{0,8}$/;

/** What the client asks for, apart from who it is. */
export function readTerms(
  form: ReadonlyMap<string, string>,
): { readonly terms: ExchangeTerms } | ExchangeError {
  const grantType = form.get('grant_type') ?? '';
  if (grantType === '') return invalidRequest('grant_type is required.');
  if (grantType !== 'client_credentials') {
    const description = 'The only grant type is client_credentials.';
    return { error: 'unsupported_grant_type', description };
  }
  const scope = form.get('scope') ?? '';
  if (scope !== '' && !SCOPE.test(scope)) {
    const description = 'scope must be names with one space between them.';
    return { error: 'invalid_scope', description };
  }
  const scopes = scope === '' ? [] : scope.split(' ');
  const expiresIn = form.get('expires_in') ?? '';
  if (expiresIn === '') return { terms: { scopes } };
  if (!SECONDS.test(expiresIn)) {
    return invalidRequest('expires_in must be a positive number of seconds.');
  }
  return { terms: { scopes, lifetimeSeconds: Number(expiresIn) } };
}

function invalidRequest(description: string): ExchangeError {
  return { error: 'invalid_request', description };
}
