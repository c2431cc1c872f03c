/**
 * Guarantee: a macaroon that demands a discharge of the real control plane passes the real edge with it
 * alone, for as long as neither of the two is over or revoked.
 */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { addThirdPartyCaveat, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import { parseMacaroon } from '@cardea/shared/macaroon/codec-v2';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import type { Result } from '@cardea/shared/result';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAdminClient } from './harness/admin-client.ts';
import { call, callWithToken, exchangeForToken } from './harness/calls.ts';
import { startThrowawayStack, type ThrowawayStack } from './harness/throwaway-stack.ts';

const MACAROON_TYPE = 'urn:cardea:params:oauth:token-type:macaroon';
/** The edge's; a revocation is refused long before. Seconds. */
const HARD_SECONDS = 20;

let throwaway: ThrowawayStack;
beforeAll(async () => {
  throwaway = await startThrowawayStack({ hardSeconds: HARD_SECONDS });
});
afterAll(() => throwaway?.dispose());

function valueIn<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.refusal.reason);
  return result.value;
}

async function issue(actor: string): Promise<{ keyId: string; secret: string }> {
  const { issued_api_key: key, secret } = await createAdminClient(throwaway.stack).adminIssueApiKey(
    {
      issueApiKeyRequest: { name: 'discharge', actor_id: actor, scopes: ['notes:read'] },
    },
  );
  return { keyId: key?.key_id ?? '', secret: secret ?? '' };
}

const post = (path: string, body: object, token?: string) =>
  callWithToken(`${throwaway.stack.controlPlaneUrl}${path}`, token, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Status and, if it is refused, the reason that the edge gives. */
async function atEdge(token: string): Promise<string> {
  const { status, body } = await callWithToken(`${throwaway.stack.edgeUrl}/v1/notes`, token);
  return status === 200 ? '200' : `${status} ${body.code}`;
}

/** A macaroon of alice that demands what `condition` says, and the id of its caveat. */
async function demanding(condition: object) {
  const { controlPlaneUrl } = throwaway.stack;
  const { secret } = await issue('alice');
  const access = { controlPlaneUrl, requestedTokenType: MACAROON_TYPE };
  const token = await exchangeForToken({ ...access, apiKey: secret });
  expect(await atEdge(token)).toBe('200');
  const { status, body } = await post('/v1/discharge/caveats', { token, ...condition });
  expect(status).toBe(200);
  const caveatKey = decodeBase64url(String(body.caveat_key));
  if (caveatKey === undefined) throw new Error('There is no key of the caveat.');
  const caveat = {
    ...{ location: String(body.location), identifier: encodeUtf8(String(body.caveat_id)) },
    ...{ caveatKey, nonce: crypto.getRandomValues(new Uint8Array(24)) },
  };
  const { macaroon } = valueIn(readMacaroonToken(token));
  return {
    token,
    macaroon: valueIn(addThirdPartyCaveat(macaroon, caveat)),
    caveatId: body.caveat_id,
  };
}

const textOf = (macaroon: Macaroon, ...discharges: readonly Macaroon[]) =>
  valueIn(writeMacaroonToken({ macaroon, discharges }));

async function discharge(request: object): Promise<Macaroon> {
  const { status, body } = await post('/v1/discharge', request);
  expect(status).toBe(200);
  const bytes = decodeBase64url(String(body.discharge));
  if (bytes === undefined) throw new Error('There is no discharge.');
  return valueIn(parseMacaroon(bytes));
}

describe('a macaroon that demands a live key of bob', () => {
  test('passes with a discharge for it, bound to it; and not once the token is revoked', async () => {
    const [bob, carol] = [await issue('bob'), await issue('carol')];
    const { token, macaroon, caveatId } = await demanding({ key_id: bob.keyId });
    expect(await atEdge(textOf(macaroon))).toBe('401 discharge_missing');

    const foreign = await post('/v1/discharge', { caveat_id: caveatId, credential: carol.secret });
    expect(foreign.status).toBe(403);
    const unbound = await discharge({ caveat_id: caveatId, credential: bob.secret });
    expect(await atEdge(textOf(macaroon, unbound))).toBe('401 signature_invalid');
    const discharged = textOf(macaroon, bindDischarge(macaroon, unbound));
    expect(await atEdge(discharged)).toBe('200');
    // Of another macaroon with a caveat of the same condition.
    const other = await demanding({ key_id: bob.keyId });
    const elsewhere = textOf(other.macaroon, bindDischarge(other.macaroon, unbound));
    expect(await atEdge(elsewhere)).toBe('401 discharge_missing');

    const { jti } = JSON.parse(
      new TextDecoder().decode(valueIn(readMacaroonToken(token)).macaroon.identifier),
    );
    const { adminToken, controlPlaneUrl } = throwaway.stack;
    const revoked = await call(`${controlPlaneUrl}/v1/admin/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ target: 'token', subject: jti }),
    });
    expect(revoked.status).toBe(201);
    const startedAt = Date.now();
    while ((await atEdge(discharged)) === '200') {
      expect(Date.now() - startedAt).toBeLessThan(HARD_SECONDS * 1000);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await atEdge(discharged)).toBe('401 token_revoked');
  });
});

test('a discharge of freshness ends by itself, and a new one takes its place', async () => {
  const { macaroon, caveatId } = await demanding({ fresh: '5s' });
  const fresh = async () =>
    textOf(macaroon, bindDischarge(macaroon, await discharge({ caveat_id: caveatId })));
  const first = await fresh();
  expect(await atEdge(first)).toBe('200');
  await new Promise((resolve) => setTimeout(resolve, 6100));
  expect(await atEdge(first)).toBe('401 token_expired');
  expect(await atEdge(await fresh())).toBe('200');
});
