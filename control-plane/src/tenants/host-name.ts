/**
 * Host names in one normal form, so that a name leads to one tenant however it is written: lower
 * case, A-labels (RFC 5890 §2.3.2.1), no port, no dot at the end, addresses in their canonical form.
 * Wildcards are refused. Pure.
 */

/** Characters of a host name in normal form (RFC 1035 §2.3.4, without the root's dot). */
export const HOST_NAME_LENGTH_MAX = 253;

/** Before it is normalised: a name in Unicode is shorter than its A-labels; a port has six. */
const HOST_TEXT_LENGTH_MAX = HOST_NAME_LENGTH_MAX + 7;

/** A name or an address, then perhaps a port. Nothing that a URL would take for another part of it. */
const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]+\]|[^\p{C}\p{Z}:/?#@\\%[\]<>^|*]+)(?::[0-9]{1,5})?$/u;

/** LDH, and the underscore that some name servers serve. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

const ADDRESS_V4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;

/** The normal form of a host as it stands in a URL or in `Host`; `undefined` for what is none. */
export function normalHostName(text: string): string | undefined {
  if (text.length > HOST_TEXT_LENGTH_MAX) return undefined;
  const [, host] = HOST_AND_PORT.exec(text) ?? [];
  if (host === undefined) return undefined;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  const url = URL.parse(`http://${name}/`);
  if (url === null) return undefined;
  if (name.startsWith('[')) return url.hostname;
  return isCanonical(url.hostname, name) ? url.hostname : undefined;
}

/** The URL standard reads `127.1` and `0x7f000001` as addresses too: only the plain form is one here. */
function isCanonical(hostname: string, written: string): boolean {
  if (ADDRESS_V4.test(hostname)) return hostname === written;
  if (hostname.length > HOST_NAME_LENGTH_MAX) return false;
  return hostname.split('.').every((label) => LABEL.test(label));
}
