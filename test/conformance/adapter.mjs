/**
 * The shipped verifiers behind plain functions, so that test vectors from anywhere can be run
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
 *     verifyMacaroon({ macaroon, discharges, rootKey, satisfied }) → Promise<{ ok: true }
 *                                                                          | { ok: false, reason }>
 *       macaroon    one macaroon: a Uint8Array (version 2 or 1, binary), text in base64 of either
 *                   alphabet or in hexadecimal, or its JSON (versions 2 and 1) as text or object
 *       discharges  an array of the same, bound to `macaroon`                     (default none)
 *       rootKey     text (UTF-8) or a Uint8Array of any length: what the macaroon was made with, not
 *                   the key that "macaroons-key-generator" makes of it             (alias root_key)
 *       satisfied   an array or Set of first-party caveats that hold, text or Uint8Array, compared byte
 *                   for byte with those of `macaroon` and of every discharge      (default none)
 *       reason      a code of shared/src/refusals.ts: `macaroon_malformed`, `signature_invalid`,
 *                   `discharge_missing`, `discharge_unused`, `caveat_not_cleared`; `arguments_invalid` if
 *                   the arguments make no sense. Over 64 caveats, 16 discharges or 8,192 bytes:
 *                   `macaroon_malformed`
 *
 *     parseMacaroon(bytes) → { ok: true, location, identifier, identifierHex, signatureHex, caveats }
 *                          | { ok: false, reason }
 *       bytes    one macaroon in any form of the above
 *       caveats  [{ location, identifier, identifierHex, vidHex }]; `location` and `vidHex` are null
 *                where there are none
 *
 *     macaroonSignature(spec) → { ok: true, signatureHex } | { ok: false, reason }
 *       spec  rootKey, identifier  text (UTF-8) or Uint8Array                       (alias root_key)
 *             caveats  in order: text or Uint8Array; or { cid, vid } with `vid` as for `macaroon`; or
 *                      { cid, key, nonce }: a third-party caveat made here (nonce: 24 bytes, default zeros)
 *             bindTo   signature of the macaroon that this discharge is bound to: text or Uint8Array
 *                      (alias bind_to_utf8; bound_to_signature_hex in hexadecimal)
 *
 * None throws or rejects, whatever it is given.
 *
 * A JWT that passes has a header of exactly `alg` (EdDSA, ES256 or RS256, as its key), `kid` and `typ`
 * (`JWT` or `at+jwt`), and the claims `jti` (a lowercase version-4 UUID), `sub`, `iss`, `aud`, `nid`,
 * `iat` and `exp` (whole seconds). An actor (`act`) comes with its scope id (`act_sid`, 16 lowercase
 * hexadecimal digits). All rules: shared/src/jwt/{parse,header,parse-claims,verify}.ts.
 * Those of macaroons: docs/caveats.md, shared/src/macaroon/{codec-v2,verify-chain}.ts.
 */

import { fileURLToPath } from 'node:url';

export const { verifyJwt, verifyEd25519 } = await loadShipped('./adapter.ts');
export const { verifyMacaroon, parseMacaroon, macaroonSignature } =
  await loadShipped('./macaroon-adapter.ts');

async function loadShipped(file) {
  if (process.features.typescript) return import(file);
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const script = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${script}`);
}
