/** An issuer of administrators' JWTs: keys, tokens, and the documents on its server. */

import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://team.example';
export const AUDIENCE = 'cardea-admin';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that `issuer-server` starts. */
    issuerUrl: string;
  }
}

export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function makeIssuerKey(alg = 'ES256', kid: string = crypto.randomUUID()) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, privateKey, jwk } satisfies IssuerKey;
}

export interface TokenChange {
  /** `undefined` leaves a member out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A token that is good for an hour, but for what the change says. */
export function signAdminToken(
  { kid, alg, privateKey }: IssuerKey,
  { claims = {}, header = {} }: TokenChange = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const payload = {
    ...{ iss: ISSUER, aud: [AUDIENCE], sub: 'alice', iat, nbf: iat, exp: iat + 3600 },
    ...{ groups: ['staff', 'admins'] },
    ...claims,
  };
  return new SignJWT(withoutUndefined(payload) as JWTPayload)
    .setProtectedHeader(withoutUndefined({ alg, kid, typ: 'JWT', ...header }) as { alg: string })
    .sign(privateKey);
}

function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** What the server answers at this address from now on. */
export async function serve(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'PUT', body: text, headers });
  await response.body?.cancel();
}

export const jwksOf = (...keys: readonly IssuerKey[]) => ({ keys: keys.map(({ jwk }) => jwk) });

/** How often a document has been asked for. */
export async function timesAsked(url: string): Promise<number> {
  return Number(await (await fetch(`${url}?asked`)).text());
}
