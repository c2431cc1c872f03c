/** The macaroon part of the demo: derive, narrow offline, pass, be refused, revoke. */

import assert from 'node:assert/strict';
import type { Stack } from '@cardea/cli/dev-stack/stack';
import { attenuateToken } from '@cardea/shared/macaroon/attenuate';
import { inspectToken } from '@cardea/shared/macaroon/inspect';
import { call, callWithToken, exchangeForToken } from '../e2e/harness/calls.ts';
import { describe, expectRefusal, type Lanes, untilRevoked } from './answers.ts';
import type { Report } from './report.ts';

const MACAROON_TYPE = 'urn:cardea:params:oauth:token-type:macaroon';

export interface MacaroonSteps {
  readonly step: Report['step'];
  readonly stack: Stack;
  readonly lanes: Lanes;
  readonly apiKey: string;
  /** Of the revocation, seconds. */
  readonly bound: number;
  readonly signal: AbortSignal;
}

/** What a holder does, without a key and without a call. */
function narrow(token: string, ...caveats: string[]): string {
  const narrowed = attenuateToken(token, caveats);
  assert.ok(narrowed.ok);
  return narrowed.value;
}

const inFiveMinutes = () => `${new Date(Date.now() + 300_000).toISOString().slice(0, 19)}Z`;

export async function runMacaroonSteps(parts: MacaroonSteps): Promise<void> {
  const { step, stack, lanes, apiKey, bound, signal } = parts;
  const { controlPlaneUrl, edgeUrl, adminToken } = stack;
  const notes = `${edgeUrl}/v1/notes`;
  const post = { method: 'POST', body: JSON.stringify({ text: 'hello' }) };
  let token = '';
  let narrowed = '';

  await step(
    'exchange the key for a macaroon: the edge takes it, without a call home',
    async () => {
      const scope = 'notes:read notes:write';
      token = await exchangeForToken({
        ...{ controlPlaneUrl, apiKey, scope, requestedTokenType: MACAROON_TYPE },
      });
      assert.match(token, /^mc_v1_/);
      const answer = await callWithToken(notes, token, post);
      assert.equal(answer.status, 201, describe(answer));
      return describe(answer);
    },
  );

  await step('narrow it offline to one tool, GET, five minutes: 200', async () => {
    const tool = ['tool in list_notes', 'method in GET', 'path in /v1/notes'];
    narrowed = narrow(token, ...tool, 'scope in notes:read', `time < ${inFiveMinutes()}`);
    const answer = await callWithToken(notes, narrowed);
    assert.equal(answer.status, 200, describe(answer));
    assert.deepEqual((answer.body.caller as { scopes?: unknown }).scopes, ['notes:read']);
    const inspection = inspectToken(narrowed);
    return inspection.ok ? inspection.value.sentences.at(-1) : undefined;
  });

  await step('the narrowed one for another tool, and widened by its holder: refused', async () => {
    const refused = await callWithToken(notes, narrowed, post);
    expectRefusal(refused, { status: 403, code: 'caveat_not_cleared' });
    const greedy = narrow(narrowed, 'method in GET POST', 'scope in notes:read notes:write');
    expectRefusal(await callWithToken(notes, greedy, post), {
      ...{ status: 403, code: 'caveat_not_cleared' },
    });
    assert.equal((await callWithToken(notes, greedy)).status, 200);
    return describe(refused);
  });

  await step('a byte of its chain altered: refused', async () => {
    const at = narrowed.length - 20;
    const altered = narrowed[at] === 'A' ? 'B' : 'A';
    const forged = narrowed.slice(0, at) + altered + narrowed.slice(at + 1);
    const answer = await callWithToken(notes, forged);
    expectRefusal(answer, { status: 401, code: 'signature_invalid' });
    return describe(answer);
  });

  await step('revoke the macaroon: it and what was narrowed from it are refused', async () => {
    const inspection = inspectToken(token);
    assert.ok(inspection.ok);
    const subject = inspection.value.unverifiedClaims.tokenId;
    const answer = await call(`${controlPlaneUrl}/v1/admin/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ target: 'token', subject }),
    });
    assert.equal(answer.status, 201, `answered ${answer.status}`);
    const times = await untilRevoked(lanes, narrowed, { secondsMax: bound, signal });
    expectRefusal(await callWithToken(notes, token), { status: 401, code: 'token_revoked' });
    // The key goes on.
    await exchangeForToken({ controlPlaneUrl, apiKey, scope: 'notes:read' });
    return times;
  });
}
