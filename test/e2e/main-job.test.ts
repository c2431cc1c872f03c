/**
 * Guarantee: the main job, through the real wrangler.toml files: issue, exchange, verify offline
 * at the edge, revoke within the bound, refuse when the feed is stale, and leave no secret behind.
 * The tests of this file share one stack and stand in an order.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { ApiKeysApi } from '@ory/client-fetch';
import { createRemoteJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openActiveSigningKey } from './harness/active-signing-key.ts';
import { createAdminClient } from './harness/admin-client.ts';
import {
  type Answer,
  call,
  callWithToken,
  exchange,
  exchangeForToken,
  readClaims,
} from './harness/calls.ts';
import { runCardea } from './harness/cardea-command.ts';
import { filesWith } from './harness/files-with.ts';
import { startThrowawayStack, type ThrowawayStack } from './harness/throwaway-stack.ts';

const HARD_SECONDS = 15;
const CLOCK_SKEW_SECONDS = 60;

let throwaway: ThrowawayStack;
let admin: ApiKeysApi;
let notes = '';
let controlPlaneUrl = '';
/** The key of the shared token; lives until the test that revokes it. */
let main = { apiKey: '', keyId: '' };
let token = '';
/** Every credential that was handed out: none may be found in any file. */
const handedOut: string[] = [];

beforeAll(async () => {
  throwaway = await startThrowawayStack({ hardSeconds: HARD_SECONDS });
  admin = createAdminClient(throwaway.stack);
  controlPlaneUrl = throwaway.stack.controlPlaneUrl;
  notes = `${throwaway.stack.edgeUrl}/v1/notes`;
  main = await issue(['notes:read', 'notes:write', 'notes:admin']);
  token = await tokenOf(main.apiKey, 'notes:read');
});
afterAll(() => throwaway?.dispose());

async function issue(scopes: string[]) {
  const { issued_api_key, secret } = await admin.adminIssueApiKey({
    issueApiKeyRequest: { name: 'e2e', actor_id: 'alice', scopes, ttl: '1h' },
  });
  if (secret === undefined || issued_api_key?.key_id === undefined) throw new Error('no key');
  handedOut.push(secret);
  return { apiKey: secret, keyId: issued_api_key.key_id };
}

async function tokenOf(apiKey: string, scope: string) {
  const derived = await exchangeForToken({ controlPlaneUrl, apiKey, scope });
  handedOut.push(derived);
  return derived;
}

const codeOf = ({ status, body }: Answer) => [status, body.code];

test('an exchanged token is a standard JWT: jose verifies it with the published keys', async () => {
  const jwks = createRemoteJWKSet(new URL(`${controlPlaneUrl}/v2alpha1/derivedKeys/jwks.json`));
  const { payload } = await jwtVerify(token, jwks, {
    issuer: controlPlaneUrl,
    audience: controlPlaneUrl,
  });
  expect(payload).toMatchObject({ sub: main.keyId, scp: ['notes:read'] });
});

test('the exchange narrows, and refuses in the words of RFC 6749', async () => {
  const { apiKey } = main;
  const short = await exchange({ controlPlaneUrl, apiKey, expiresInSeconds: 60 });
  expect(short).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 60 } });
  handedOut.push(String(short.body.access_token));

  const beyond = await exchange({ controlPlaneUrl, apiKey, scope: 'notes:read other' });
  expect([beyond.status, beyond.body.error]).toEqual([400, 'invalid_scope']);
  const altered = `${apiKey.slice(0, -1)}${apiKey.endsWith('a') ? 'b' : 'a'}`;
  const unknown = await exchange({ controlPlaneUrl, apiKey: altered });
  expect([unknown.status, unknown.body.error]).toEqual([401, 'invalid_client']);
});

test('the origin learns who calls from the token alone, whatever the client claims', async () => {
  const spoofed = {
    'Cardea-Key-Id': 'forged',
    cardea_actor: 'forged',
    'X-Cardea-Tenant': 'forged',
    'Cardea.Scopes': 'forged',
    'X-Forwarded-User': 'forged',
  };
  const answer = await callWithToken(`${notes}/echo`, token, { headers: spoofed });
  expect(answer.status).toBe(200);
  expect(answer.body.caller).toEqual({
    key_id: main.keyId,
    actor: 'alice',
    tenant: readClaims(token).nid,
    scopes: ['notes:read'],
    token_id: readClaims(token).jti,
  });
  const arrived = JSON.stringify(answer.body.headers);
  expect(arrived).not.toContain('forged');
  expect(arrived.toLowerCase()).not.toContain('authorization');
  expect(arrived).not.toContain(token);
});

test('scopes decide by route: read passes, write and admin are refused, public needs none', async () => {
  const { edgeUrl } = throwaway.stack;
  const post = { method: 'POST', body: '{"text":"x"}' };
  expect((await callWithToken(notes, token)).status).toBe(200);
  expect(codeOf(await callWithToken(notes, token, post))).toEqual([403, 'scope_insufficient']);
  const remove = await callWithToken(`${notes}/1`, token, { method: 'DELETE' });
  expect(codeOf(remove)).toEqual([403, 'scope_insufficient']);
  const writing = await tokenOf(main.apiKey, 'notes:write');
  expect((await callWithToken(notes, writing, post)).status).toBe(201);
  expect((await call(`${edgeUrl}/public/ping`)).status).toBe(200);
  expect(codeOf(await callWithToken(`${edgeUrl}/elsewhere`, token))).toEqual([
    404,
    'route_unknown',
  ]);
});

test('every wrong token is refused with its own code', async () => {
  const signToken = await openActiveSigningKey(throwaway.stack.state);
  const sign = (changes: object) =>
    signToken({ ...readClaims(token), jti: randomUUID(), ...changes });
  const now = Math.floor(Date.now() / 1000);
  const foreign = await generateKeyPair('EdDSA');
  const signForeign = (kid: string) =>
    new SignJWT(readClaims(token))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
      .sign(foreign.privateKey);
  const kid = String(JSON.parse(atob(token.split('.')[0] ?? '')).kid);

  // The control: the same way of signing, nothing wrong.
  expect((await callWithToken(notes, await sign({}))).status).toBe(200);

  const cases: ReadonlyArray<readonly [code: string, token: string | undefined]> = [
    ['credential_missing', undefined],
    ['token_malformed', 'garbage'],
    ['token_malformed', `${token}=`],
    ['api_key_not_accepted', main.apiKey],
    ['token_expired', await sign({ iat: now - 120, nbf: now - 120, exp: now - 1 })],
    ['token_not_yet_valid', await sign({ iat: now, nbf: now + 600, exp: now + 900 })],
    ['token_lifetime_too_long', await sign({ exp: now + 90_000 })],
    ['issuer_mismatch', await sign({ iss: 'https://elsewhere.example' })],
    ['audience_mismatch', await sign({ aud: 'https://elsewhere.example' })],
    ['tenant_mismatch', await sign({ nid: randomUUID() })],
    ['claims_malformed', await sign({ sub: 7 })],
    ['signing_key_unknown', await signForeign('a-key-of-my-own')],
    ['signature_invalid', await signForeign(kid)],
  ];
  for (const [code, wrong] of cases) {
    expect(codeOf(await callWithToken(notes, wrong)), code).toEqual([401, code]);
  }
});

test('the commands: issue, exchange, verify, revoke; refusals carry the server’s code', async () => {
  const { adminToken, state } = throwaway.stack;
  const env = { CARDEA_STATE_FOLDER: state.path };
  const issued = await runCardea(
    ['keys', 'issue', 'cli', '--actor', 'bob', '--scopes', 'notes:read', '--format', 'json'],
    { env },
  );
  expect(issued.err).toBe('');
  const { issued_api_key: key, secret } = JSON.parse(issued.out);
  expect(key).toMatchObject({ name: 'cli', actor_id: 'bob', scopes: ['notes:read'] });

  const exchanged = await runCardea(['token', '--expires-in', '60'], { env, input: `${secret}\n` });
  expect(exchanged.err).toBe('');
  const derived = exchanged.out.trim();
  handedOut.push(secret, derived);
  expect((await callWithToken(notes, derived)).status).toBe(200);
  const narrowed = await runCardea(['token', '--scope', 'other', '--key', secret], { env });
  expect(narrowed).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^cardea: invalid_scope/),
  });

  const verify = () => runCardea(['keys', 'verify', '-'], { env, input: secret });
  expect(await verify()).toMatchObject({ status: 0, out: expect.stringContaining(key.key_id) });
  const revoke = () => runCardea(['keys', 'revoke', key.key_id, '--reason', 'superseded'], { env });
  expect(await revoke()).toMatchObject({ status: 0, out: `revoked ${key.key_id}\n` });
  expect(await revoke()).toMatchObject({ status: 1, err: expect.stringContaining('HTTP 409') });
  expect(await verify()).toMatchObject({ status: 1, out: expect.stringContaining('REVOKED') });

  const version = await runCardea(['version', '-e', controlPlaneUrl, '--format', 'json'], { env });
  expect(JSON.parse(version.out)).toMatchObject({ control_plane: expect.stringMatching(/^\d/) });

  const other = { ...env, CARDEA_ADMIN_TOKEN: `${adminToken}x` };
  const refused = await runCardea(['keys', 'issue', 'x', '--actor', 'a'], { env: other });
  expect(refused).toMatchObject({ status: 1, out: '', err: expect.stringContaining('HTTP 401') });
});

test('without its control plane the edge goes on; with it back, everything does', async () => {
  const { stack } = throwaway;
  await stack.stopControlPlane();
  await expect(call(`${controlPlaneUrl}/health/alive`)).rejects.toThrow();
  expect((await callWithToken(notes, token)).status).toBe(200);
  expect(codeOf(await callWithToken(notes, 'garbage'))).toEqual([401, 'token_malformed']);
  await stack.startControlPlane();
  expect((await admin.adminGetIssuedApiKey({ keyId: main.keyId })).key_id).toBe(main.keyId);
  expect((await callWithToken(notes, token)).status).toBe(200);
});

test('a key revoked, rotated or self-revoked takes its tokens with it, and no others', async () => {
  const keys = { revoked: main, rotated: await issue(['a']), selfRevoked: await issue(['a']) };
  const spared = await tokenOf((await issue(['notes:read'])).apiKey, 'notes:read');
  const scope = { revoked: 'notes:read', rotated: 'a', selfRevoked: 'a' };
  const tokens = {
    revoked: token,
    rotated: await tokenOf(keys.rotated.apiKey, scope.rotated),
    selfRevoked: await tokenOf(keys.selfRevoked.apiKey, scope.selfRevoked),
  };
  // The control: before, none of them is refused for being revoked.
  const codes = async () => {
    const answers = Object.values(tokens).map((text) => callWithToken(notes, text));
    return (await Promise.all(answers)).map(({ body }) => body.code);
  };
  expect(await codes()).toEqual([undefined, 'scope_insufficient', 'scope_insufficient']);

  const body = { reason: 'REVOCATION_REASON_KEY_COMPROMISE' } as const;
  await admin.adminRevokeIssuedApiKey({
    keyId: keys.revoked.keyId,
    adminRevokeIssuedApiKeyBody: body,
  });
  const rotated = await admin.adminRotateIssuedApiKey({
    keyId: keys.rotated.keyId,
    adminRotateIssuedApiKeyBody: {},
  });
  handedOut.push(rotated.secret ?? '');
  const credential = keys.selfRevoked.apiKey;
  await admin.revokeApiKey({ selfRevokeApiKeyRequest: { credential } });

  const deadline = Date.now() + (HARD_SECONDS + CLOCK_SKEW_SECONDS) * 1000;
  const isRevoked = (code: unknown) => code === 'token_revoked';
  while (!(await codes()).every(isRevoked) && Date.now() < deadline) await sleep(250);
  expect(await codes()).toEqual(['token_revoked', 'token_revoked', 'token_revoked']);
  expect((await callWithToken(notes, spared)).status).toBe(200);
  for (const { apiKey } of Object.values(keys)) {
    const refused = await exchange({ controlPlaneUrl, apiKey });
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
  }
  token = spared;
});

test('a publisher that is frozen: after the bound the edge refuses with 503', async () => {
  const { stack } = throwaway;
  stack.freezeControlPlane();
  const deadline = Date.now() + (HARD_SECONDS + 10) * 1000;
  let answer = await callWithToken(notes, token);
  expect(answer.status).toBe(200);
  while (answer.status === 200 && Date.now() < deadline) {
    await sleep(250);
    answer = await callWithToken(notes, token);
  }
  expect(codeOf(answer)).toEqual([503, 'feed_stale']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await call(`${stack.edgeUrl}/.cardea/ready`)).status).toBe(503);
  expect((await call(`${stack.edgeUrl}/.cardea/health`)).status).toBe(200);
});

test('no credential stands in any log, database, hub or KV file', async () => {
  const { state } = throwaway.stack;
  await throwaway.stack.stop();
  const places = [state.storagePath, state.logPath];
  // The control: what is no secret is found, in the database and in the log.
  expect(filesWith(main.keyId, [state.storagePath]).length).toBeGreaterThan(0);
  expect(filesWith('Ready on http', [state.logPath]).length).toBeGreaterThan(0);
  for (const folder of ['d1', 'kv', 'do'])
    expect(existsSync(`${state.storagePath}/v3/${folder}`)).toBe(true);

  // Whoever reads KV learns neither whom a key acts for nor its whole id (docs/feed.md).
  const kv = [`${state.storagePath}/v3/kv`];
  for (const name of [main.keyId, 'alice']) expect(filesWith(name, kv)).toEqual([]);

  const { adminToken, cardeaSecret, feedSigningKey } = state.secrets;
  const secrets = [...handedOut, adminToken, cardeaSecret, String(JSON.parse(feedSigningKey).d)];
  expect(handedOut.length).toBeGreaterThan(8);
  for (const secret of secrets) {
    for (const part of tellingParts(secret)) expect(filesWith(part, places)).toEqual([]);
  }
});

/**
 * The whole credential, and its secret part cut in pieces: a database may spread a long text over
 * pages. An API key's secret part is the second half of its third field (the first is its id); a
 * JWT's is its signature.
 */
function tellingParts(secret: string): string[] {
  const signature = secret.split('.')[2];
  const body = secret.split('_v1_')[1]?.split('_')[0];
  const part = signature ?? body?.slice(-24) ?? secret;
  const pieces = part.match(/.{20}/g) ?? [part];
  return [secret, ...pieces];
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
