/**
 * Cuts out of a text whatever looks like a credential. The second line of defence of the log: the
 * first is that nobody gives it one.
 */

const REDACTED = '[redacted]';

/** By their looks alone, as widely as their grammars allow; each pattern is linear. */
const CREDENTIALS = [
  /[A-Za-z0-9]{1,16}_v1_[A-Za-z0-9_-]{16,}/g, // API keys, admin credentials, macaroons.
  /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}/g, // JWT, JWE.
  /\b(?:bearer|basic) +[A-Za-z0-9._~+/=-]+/gi,
];

/** What every pattern above begins or goes on with. */
const SIGN = /_v1_|eyJ|bearer|basic/i;

/** Whether any of the patterns could match, in one quick search. */
export function mayHoldCredential(text: string): boolean {
  return SIGN.test(text);
}

export function redactCredentials(text: string): string {
  return CREDENTIALS.reduce((rest, pattern) => rest.replace(pattern, REDACTED), text);
}
