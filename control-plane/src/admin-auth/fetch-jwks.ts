/** Reads a JWKS over HTTP, bounded in size and in time. Adapter: composition roots hand it on. */

import { readBody } from '../http/request-body.ts';
import { JWKS_BYTES_MAX, JWKS_MILLISECONDS_MAX } from '../limits.ts';

/** The bytes of the document. Throws if it cannot be had, for whatever reason. */
export type FetchJwks = (url: string) => Promise<Uint8Array>;

class JwksRefused extends Error {
  override readonly name = 'JwksRefused';
}

/** Follows no redirect: the configuration names the one place that is believed. */
export const fetchJwks: FetchJwks = async (url) => {
  const response = await fetch(url, {
    headers: { Accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(JWKS_MILLISECONDS_MAX),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new JwksRefused(`The issuer answered ${response.status}.`);
  }
  const body = await readBody(response, JWKS_BYTES_MAX);
  if (!body.ok) throw new JwksRefused('The document is larger than the limit.');
  return body.bytes;
};
