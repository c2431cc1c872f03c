/** Which texts may be the issuer of tokens (RFC 8414 §2), for the deployment and for each tenant. */

export const ISSUER_RULE = 'an http(s) URL without query, fragment or password';

export function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
  return url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}
