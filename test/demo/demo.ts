/**
 * `npm run demo`: the main job, end to end, on the real stack with free ports and throwaway
 * state. Every step checks itself. Every admin call is made by Ory's own client, unmodified.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Stack } from '@cardea/cli/dev-stack/stack';
import type { ApiKeysApi } from '@ory/client-fetch';
import { openActiveSigningKey } from '../e2e/harness/active-signing-key.ts';
import { createAdminClient } from '../e2e/harness/admin-client.ts';
import { callWithToken, exchange, exchangeForToken, readClaims } from '../e2e/harness/calls.ts';
import { startThrowawayStack, type ThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { describe, expectRefusal, seconds, sleep, untilNotOk, untilRevoked } from './answers.ts';
import { type LaneBEdge, startLaneBEdge } from './lane-b-edge.ts';
import { runMacaroonSteps } from './macaroon-steps.ts';
import { createReport, type Report } from './report.ts';

/** The feed's bound for this run, seconds: short, so that the last step need not wait for long. */
const HARD_SECONDS = 20;
const CLOCK_SKEW_SECONDS = 60;
const BOUND_SECONDS = HARD_SECONDS + CLOCK_SKEW_SECONDS;

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());

const report = createReport((line) => console.log(line));
let throwaway: ThrowawayStack | undefined;
let laneB: LaneBEdge | undefined;
const { signal } = interrupted;
const isUp = await report.step('start control plane, edge worker and sample API', async () => {
  throwaway = await startThrowawayStack({ hardSeconds: HARD_SECONDS, signal });
  return throwaway.stack.edgeUrl;
});
try {
  if (isUp && throwaway !== undefined) {
    const { stack } = throwaway;
    const title = 'start a second edge that asks the control plane for the feed (lane B)';
    const areBothUp = await report.step(title, async () => {
      laneB = await startLaneBEdge(stack, { hardSeconds: HARD_SECONDS, signal });
      return laneB.url;
    });
    if (areBothUp && laneB !== undefined) await runSteps(stack, laneB, report);
  }
} finally {
  await laneB?.stop();
  await throwaway?.dispose();
}
process.exitCode = report.finish();

async function runSteps(stack: Stack, laneBEdge: LaneBEdge, { step }: Report): Promise<void> {
  const { controlPlaneUrl, edgeUrl } = stack;
  const lanes = { 'lane A': edgeUrl, 'lane B': laneBEdge.url };
  const admin = createAdminClient(stack);
  const notes = `${edgeUrl}/v1/notes`;
  let apiKey = '';
  let keyId = '';
  let token = '';

  /** Every step after Ctrl-C fails at once. */
  const next: Report['step'] = (title, run) =>
    step(title, () => (signal.aborted ? Promise.reject(new Error('interrupted')) : run()));

  await next('issue an API key with three scopes', async () => {
    const issued = await issueKey(admin, ['notes:read', 'notes:write', 'notes:admin']);
    ({ apiKey, keyId } = issued);
    assert.equal(
      (await admin.adminVerifyApiKey({ verifyApiKeyRequest: { credential: apiKey } })).is_valid,
      true,
    );
    return `key ${keyId}`;
  });

  await next('exchange it at /oauth2/token for a JWT with one scope', async () => {
    const answer = await exchange({ controlPlaneUrl, apiKey, scope: 'notes:read' });
    assert.equal(answer.status, 200, `answered ${answer.status}`);
    assert.equal(answer.body.token_type, 'Bearer');
    token = String(answer.body.access_token);
    const { sub, scp, exp, iat } = readClaims(token);
    assert.equal(sub, keyId);
    assert.deepEqual(scp, ['notes:read']);
    return `lives ${Number(exp) - Number(iat)} s`;
  });

  await next('call the API through the edge: 200, and the origin sees who called', async () => {
    const answer = await callWithToken(notes, token);
    assert.equal(answer.status, 200, describe(answer));
    assert.deepEqual(answer.body.caller, {
      key_id: keyId,
      actor: 'alice',
      tenant: readClaims(token).nid,
      scopes: ['notes:read'],
      token_id: readClaims(token).jti,
    });
    return `key ${keyId}, actor alice`;
  });

  await next('a call that needs another scope', async () => {
    const init = { method: 'POST', body: JSON.stringify({ text: 'hello' }) };
    const answer = await callWithToken(notes, token, init);
    expectRefusal(answer, { status: 403, code: 'scope_insufficient' });
    assert.match(answer.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/);
    return describe(answer);
  });

  const refused = (title: string, code: string, makeToken: () => Promise<string | undefined>) =>
    next(title, async () => {
      const answer = await callWithToken(notes, await makeToken());
      expectRefusal(answer, { status: 401, code });
      return describe(answer);
    });
  await refused('no token', 'credential_missing', async () => undefined);
  await refused('garbage for a token', 'token_malformed', async () => 'garbage');
  await refused('an expired token', 'token_expired', async () => {
    const deriveTokenRequest = { credential: apiKey, ttl: '1s' };
    const derived = await admin.adminDeriveToken({ deriveTokenRequest });
    await sleep(2100);
    return derived.token?.token;
  });
  // Signed with the stack's own key, so that the one claim alone is wrong.
  const sign = async (changes: object) => {
    const signToken = await openActiveSigningKey(stack.state);
    return signToken({ ...readClaims(token), jti: randomUUID(), ...changes });
  };
  await next('the same token signed anew with the real key: 200', async () => {
    assert.equal((await callWithToken(notes, await sign({}))).status, 200);
    return undefined;
  });
  await refused('the same from a foreign issuer', 'issuer_mismatch', () =>
    sign({ iss: 'https://elsewhere.example' }),
  );
  await refused('the same of another tenant', 'tenant_mismatch', () => sign({ nid: randomUUID() }));

  await runMacaroonSteps({ step: next, stack, lanes, apiKey, bound: BOUND_SECONDS, signal });

  await next('control plane stopped: the edge still verifies', async () => {
    await stack.stopControlPlane();
    await assert.rejects(callWithToken(`${controlPlaneUrl}/health/alive`, undefined));
    const answer = await callWithToken(notes, token);
    assert.equal(answer.status, 200, describe(answer));
    expectRefusal(await callWithToken(notes, 'garbage'), { status: 401, code: 'token_malformed' });
    return describe(answer);
  });

  await next('control plane started again', async () => {
    await stack.startControlPlane();
    assert.equal((await admin.adminGetIssuedApiKey({ keyId })).key_id, keyId);
    assert.equal((await callWithToken(notes, token)).status, 200);
    return undefined;
  });

  await next('revoke the key: the token already out is refused by the edge', async () => {
    const adminRevokeIssuedApiKeyBody = { reason: 'REVOCATION_REASON_KEY_COMPROMISE' } as const;
    await admin.adminRevokeIssuedApiKey({ keyId, adminRevokeIssuedApiKeyBody });
    return untilRevoked(lanes, token, { secondsMax: BOUND_SECONDS, signal });
  });

  await next('the revoked key is refused by the exchange', async () => {
    const answer = await exchange({ controlPlaneUrl, apiKey });
    assert.equal(answer.status, 401, `answered ${answer.status}`);
    assert.equal(answer.body.error, 'invalid_client');
    return '401 invalid_client';
  });

  await next('publisher frozen: after the bound the edge answers 503, not 200', async () => {
    const other = await issueKey(admin, ['notes:read']);
    const live = await exchangeForToken({ controlPlaneUrl, apiKey: other.apiKey });
    assert.equal((await callWithToken(notes, live)).status, 200);
    stack.freezeControlPlane();
    const start = performance.now();
    const ask = () => callWithToken(notes, live);
    const refusal = await untilNotOk(ask, { secondsMax: HARD_SECONDS + 5, signal });
    expectRefusal(refusal, { status: 503, code: 'feed_stale' });
    const after = seconds(start);
    for (let i = 0; i < 3; i++) {
      await sleep(300);
      expectRefusal(await callWithToken(notes, live), { status: 503, code: 'feed_stale' });
    }
    return `after ${after} s (bound ${HARD_SECONDS} s)`;
  });
}

async function issueKey(admin: ApiKeysApi, scopes: string[]) {
  const issueApiKeyRequest = { name: 'demo', actor_id: 'alice', scopes, ttl: '1h' };
  const { issued_api_key, secret } = await admin.adminIssueApiKey({ issueApiKeyRequest });
  assert.deepEqual(issued_api_key?.scopes, scopes);
  assert.ok(secret !== undefined && issued_api_key?.key_id !== undefined);
  return { apiKey: secret, keyId: issued_api_key.key_id };
}
