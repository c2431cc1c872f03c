/** The body of a token request: form-encoded, read strictly (RFC 6749 §3.2 and appendix B). Pure. */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { kindOfCredential } from '@cardea/shared/credential/kind';
import { CREDENTIAL_ROUTING } from '../api-keys/credential-routing.ts';
import { decodeFormText } from './client-authentication.ts';
import type { TokenForm } from './parent-caveats.ts';
import { formOfTokenType, TOKEN_TYPES, tokenTypeOf } from './token-types.ts';

/** What breaks a request, in the words of RFC 6749 §5.2, with a text for the developer. */
export interface ExchangeError {
  readonly error: 'invalid_request' | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target';
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
  readonly form: TokenForm;
  /** `issued_token_type`, where the answer has one: RFC 6749 knows none. */
  readonly issuedTokenType?: string;
  /** Absent: the tenant's, or that of the subject token. */
  readonly audience?: string;
  /** Empty: all of the key's, or of the subject token's. */
  readonly scopes: readonly string[];
  readonly lifetimeSeconds?: number;
}

export type GrantRead =
  | { readonly grant: 'client_credentials'; readonly terms: ExchangeTerms }
  /** RFC 8693: from a derived token. */
  | {
      readonly grant: 'token_exchange';
      readonly terms: ExchangeTerms;
      readonly subjectToken: string;
    };

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** RFC 6749 §3.3: scope-tokens, one space between them. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const SECONDS = /^[1-9][0-9]{0,8}$/;

/** What the client asks for, apart from who it is. */
export function readGrant(form: ReadonlyMap<string, string>): GrantRead | ExchangeError {
  const grantType = form.get('grant_type') ?? '';
  if (grantType === '') return invalidRequest('grant_type is required.');
  if (grantType === 'client_credentials') {
    const terms = readTerms(form, undefined);
    return 'error' in terms ? terms : { grant: 'client_credentials', terms };
  }
  if (grantType !== TOKEN_EXCHANGE) {
    const description = `The grant types are client_credentials and ${TOKEN_EXCHANGE}.`;
    return { error: 'unsupported_grant_type', description };
  }
  const subject = readSubject(form);
  if ('error' in subject) return subject;
  const terms = readTerms(form, subject.form);
  if ('error' in terms) return terms;
  return { grant: 'token_exchange', terms, subjectToken: subject.token };
}

/** RFC 8693 §2.1. */
function readSubject(
  form: ReadonlyMap<string, string>,
): { readonly token: string; readonly form: TokenForm } | ExchangeError {
  const token = form.get('subject_token') ?? '';
  const type = formOfTokenType(form.get('subject_token_type') ?? '');
  if (token === '') return invalidRequest('subject_token is required.');
  if (type === undefined) {
    return invalidRequest(`subject_token_type must be one of ${TOKEN_TYPES.join(', ')}.`);
  }
  // An API key is no token, and is not accepted as one: it would not be authenticated as a client.
  if (kindOfCredential(token, CREDENTIAL_ROUTING) !== type) {
    return invalidRequest('The subject token is not of the type that subject_token_type names.');
  }
  if ((form.get('actor_token') ?? '') !== '' || (form.get('actor_token_type') ?? '') !== '') {
    return invalidRequest('actor_token is not supported.');
  }
  return { token, form: type };
}

/** `subjectForm`: what is issued if the client does not say. */
function readTerms(
  form: ReadonlyMap<string, string>,
  subjectForm: TokenForm | undefined,
): ExchangeTerms | ExchangeError {
  const scope = form.get('scope') ?? '';
  if (scope !== '' && !SCOPE.test(scope)) {
    const description = 'scope must be names with one space between them.';
    return { error: 'invalid_scope', description };
  }
  const expiresIn = form.get('expires_in') ?? '';
  if (expiresIn !== '' && !SECONDS.test(expiresIn)) {
    return invalidRequest('expires_in must be a positive number of seconds.');
  }
  const requested = form.get('requested_token_type') ?? '';
  const wanted = requested === '' ? (subjectForm ?? 'jwt') : formOfTokenType(requested);
  if (wanted === undefined) {
    return invalidRequest(`requested_token_type must be one of ${TOKEN_TYPES.join(', ')}.`);
  }
  // Of a token exchange alone: elsewhere it is a parameter that nobody knows (RFC 6749 §3.2).
  if (subjectForm !== undefined && (form.get('resource') ?? '') !== '') {
    return { error: 'invalid_target', description: 'Name the target as audience.' };
  }
  const audience = form.get('audience') ?? '';
  const isTypeAnswered = requested !== '' || subjectForm !== undefined;
  return {
    form: wanted,
    ...(isTypeAnswered ? { issuedTokenType: requested || tokenTypeOf(wanted) } : {}),
    ...(audience === '' ? {} : { audience }),
    scopes: scope === '' ? [] : scope.split(' '),
    ...(expiresIn === '' ? {} : { lifetimeSeconds: Number(expiresIn) }),
  };
}

function invalidRequest(description: string): ExchangeError {
  return { error: 'invalid_request', description };
}
