/**
 * The shipped verifiers behind two plain functions, so that test vectors from anywhere can be run
 * against them. No build step, no network, no clock: time and keys are the caller's. Node 22.18 and
 * newer run the TypeScript as it stands; for an older Node (20 and up) esbuild translates it in memory.
 *
 *     verifyJwt(token, { policy, jwks }) → Promise<{ ok: true, claims, verified }
 *                                                | { ok: false, reason }>
 *       token   the text of the token; anything but a string is refused
 *       policy  issuer, audience    compared exactly with `iss` and `aud`          (alias iss, aud)
 *               tenantId            compared exactly with `nid`                    (alias nid)
 *               nowSeconds          seconds since 1970; a fraction is cut off      (alias now)
 *               clockSkewSeconds    for `nbf` and a future `iat`, never for `exp`  (default 60)
 *               lifetimeSecondsMax  longest `exp − iat`                            (default 86400)
 *       jwks    { keys: [public JWK with kid, …] }: every key is live and bound to the policy
 *       claims    the payload as JSON, under its short names
 *       verified  what the product works with: VerifiedClaims of shared/src/jwt/claims.ts
 *       reason    a code of shared/src/refusals.ts; `verification_key_invalid` if the token names a key
 *                 of the set that is malformed, weak or there twice; `policy_invalid` or `jwks_invalid`
 *                 if the caller's own arguments make no sense
 *
 *     verifyEd25519(publicKey, message, signature) → Promise<boolean>
 *       each a Uint8Array or hexadecimal text in either case; anything else is `false`. The key goes
 *       through the same checks as every other: small-order and non-canonical points are refused.
 *
 * Neither throws or rejects, whatever it is given.
 *
 * A token that passes has a header of exactly `alg` (EdDSA, ES256 or RS256, as its key), `kid` and `typ`
 * (`JWT` or `at+jwt`), and the claims `jti` (a lowercase version-4 UUID), `sub`, `iss`, `aud`, `nid`,
 * `iat` and `exp` (whole seconds). An actor (`act`) comes with its scope id (`act_sid`, 16 lowercase
 * hexadecimal digits). All rules: shared/src/jwt/{parse,header,parse-claims,verify}.ts.
 */

import { fileURLToPath } from 'node:url';

export const { verifyJwt, verifyEd25519 } = await loadShipped();

async function loadShipped() {
  if (process.features.typescript) return import('./adapter.ts');
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./adapter.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const script = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${script}`);
}
