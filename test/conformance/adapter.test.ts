/** Guarantee: what outside vectors are run against is the shipped code, and it never throws. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { verifyEd25519, verifyJwt } from './adapter.mjs';
import {
  CLAIMS,
  claimsWith,
  ED,
  ES,
  forge,
  HEADER,
  headerWith,
  JWKS,
  NOW,
  POLICY,
  RS,
} from './forge.ts';

const policy = { ...POLICY, nowSeconds: NOW };
const options = { policy, jwks: JWKS };

test('accepts with the claims under both kinds of names, for each algorithm', async () => {
  for (const pair of [ED, ES, RS]) {
    const header = headerWith({ alg: pair.algorithm, kid: pair.verificationKey.kid });
    expect(await verifyJwt(await forge({ header, pair }), options)).toMatchObject({
      ok: true,
      claims: CLAIMS,
      verified: { tokenId: CLAIMS.jti, tenantId: CLAIMS.nid, scopes: CLAIMS.scp },
    });
  }
});

test('short names, defaults, fractions of a second and the served envelope are understood', async () => {
  const token = await forge();
  const { issuer: iss, audience: aud, tenantId: nid } = POLICY;
  const short = { policy: { iss, aud, nid, now: NOW + 0.9 }, jwks: { jwks: JWKS } };
  expect((await verifyJwt(token, short)).ok).toBe(true);
  expect(await verifyJwt(token, { ...short, policy: { iss, aud, nid, now: CLAIMS.exp } })).toEqual({
    ok: false,
    reason: 'token_expired',
  });
  const skewed = await forge({ payload: claimsWith({ nbf: NOW + 60 }) });
  expect((await verifyJwt(skewed, short)).ok).toBe(true);
  const strict = { ...short, policy: { iss, aud, nid, now: NOW, clockSkewSeconds: 0 } };
  expect(await verifyJwt(skewed, strict)).toEqual({ ok: false, reason: 'token_not_yet_valid' });
});

test('a weak, private, symmetric, foreign or doubled key in the set does not verify', async () => {
  const token = await forge();
  const x = 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  const good = { ...ED.publicJwk, kid: HEADER.kid };
  const reasonWith = async (keys: readonly unknown[]) => {
    const outcome = await verifyJwt(token, { policy, jwks: { keys } });
    return outcome.ok ? undefined : outcome.reason;
  };
  expect(await reasonWith([good])).toBeUndefined();
  expect(await reasonWith([{ ...good, x }])).toBe('verification_key_invalid');
  expect(await reasonWith([{ ...good, d: x }])).toBe('verification_key_invalid');
  expect(await reasonWith([{ kty: 'oct', k: x, kid: HEADER.kid }])).toBe(
    'verification_key_invalid',
  );
  expect(await reasonWith([good, { ...ES.publicJwk, kid: HEADER.kid }])).toBe(
    'verification_key_invalid',
  );
  expect(await reasonWith([{ ...good, kid: 'other' }])).toBe('signing_key_unknown');
  expect(await reasonWith([{ ...good, kid: undefined }])).toBe('signing_key_unknown');
  expect(await reasonWith([{ ...ES.publicJwk, kid: HEADER.kid }])).toBe(
    'token_algorithm_unsupported',
  );
  // A bad neighbour does not take the good key along.
  expect(await reasonWith([{ ...good, x, kid: 'weak' }, null, 5, 'x', good])).toBeUndefined();
});

test('arguments that make no sense are refused, not thrown', async () => {
  const token = await forge();
  for (const odd of [
    undefined,
    null,
    5,
    '',
    [],
    {},
    { policy },
    { jwks: JWKS },
    { policy: null, jwks: JWKS },
  ]) {
    const outcome = await verifyJwt(token, odd);
    expect(['policy_invalid', 'jwks_invalid']).toContain(outcome.ok ? 'accepted' : outcome.reason);
  }
  for (const [name, value] of Object.entries({
    ...{ issuer: '', audience: [POLICY.audience], tenantId: null, nowSeconds: `${NOW}` },
    ...{ clockSkewSeconds: -1, lifetimeSecondsMax: Number.NaN },
  })) {
    const outcome = await verifyJwt(token, { jwks: JWKS, policy: { ...policy, [name]: value } });
    expect({ name, outcome }).toEqual({ name, outcome: { ok: false, reason: 'policy_invalid' } });
  }
  for (const text of [
    undefined,
    null,
    5,
    {},
    [],
    Symbol('x'),
    new String(token),
    Buffer.from(token),
  ]) {
    expect(await verifyJwt(text, options)).toEqual({ ok: false, reason: 'token_malformed' });
  }
  const throwing = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no');
      },
    },
  );
  for (const bad of [throwing, { policy: throwing, jwks: JWKS }, { policy, jwks: throwing }]) {
    expect((await verifyJwt(token, bad)).ok).toBe(false);
  }
  expect(await verifyEd25519(throwing, throwing, throwing)).toBe(false);
});

test('runs in plain Node, without a build', async () => {
  const adapter = new URL('./adapter.mjs', import.meta.url).href;
  const script = `
    const { verifyJwt, verifyEd25519 } = await import(${JSON.stringify(adapter)});
    const outcome = await verifyJwt(process.argv[1], JSON.parse(process.argv[2]));
    console.log(JSON.stringify([outcome.ok, await verifyEd25519('', '', '')]));`;
  const run = promisify(execFile);
  const args = ['--input-type=module', '-e', script, await forge(), JSON.stringify(options)];
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '[true,false]', stderr: '' });
});
