/**
 * Which kind of credential a text is, by its looks alone (Talos's order of routing). Nothing is
 * verified; each kind has one verifier, and a text that no verifier of its kind accepts is refused:
 * there is no second try as another kind.
 */

export type CredentialKind = 'jwt' | 'macaroon' | 'issued' | 'imported';

const JWT = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Wider than the grammar of `api-key.ts`: garbage that resembles an issued key is routed to the
 * checksum, which turns it away, and never to the imported keys, which would cost a database read.
 */
const ISSUED = /^[A-Za-z0-9_]{1,16}_v1_[1-9A-HJ-NP-Za-km-z]{20,}_[1-9A-HJ-NP-Za-km-z]{8,}$/;

export interface CredentialRouting {
  /** Without `_v1_`, for example `mc`. */
  readonly macaroonPrefixes: readonly string[];
}

/** The kind; whatever looks like none of the others can only be an imported key. */
export function kindOfCredential(text: string, routing: CredentialRouting): CredentialKind {
  if (JWT.test(text)) return 'jwt';
  if (routing.macaroonPrefixes.some((prefix) => text.startsWith(`${prefix}_v1_`)))
    return 'macaroon';
  return ISSUED.test(text) ? 'issued' : 'imported';
}
