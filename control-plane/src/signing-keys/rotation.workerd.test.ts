/** The life of a signing key on the real worker: D1's clock is moved by moving the rows' dates. */

import { env } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeEach, describe, expect, test } from 'vitest';
import { admin, anonymous, issue, outcomeOf } from '../../testing/api.ts';
import { silenceHub } from '../../testing/hub.ts';
import {
  emptyWorld,
  publishedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';
import { readConfig } from '../config.workers.ts';
import { createSigningKeyStore } from '../database/signing-key-store.d1.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { createWorkerDeps } from '../worker.ts';
import { startRotation } from './start-rotation.ts';

beforeEach(async () => {
  await silenceHub();
  await emptyWorld();
});

const ROTATE = '/v1/admin/signingKeys:rotate';
const BOUND_SECONDS = 120 + 60;
const TOKEN_LIVES_SECONDS = 86_400 + 60;

const rotate = (body: unknown = {}) => admin(ROTATE, { body });
const list = async () => (await (await admin('/v1/admin/signingKeys')).json()).signing_keys;
const states = async () => (await list()).map(({ state }: { state: string }) => state);
const keyOf = async (kid: string) => (await list()).find((key: { kid: string }) => key.kid === kid);

/** Time passes for the keys: all their dates move into the past. */
const pass = (seconds: number) =>
  env.DB.prepare(
    `UPDATE signing_keys SET created_at_s = created_at_s - ?1, published_at_s = published_at_s - ?1,
       activated_at_s = activated_at_s - ?1, retired_at_s = retired_at_s - ?1`,
  )
    .bind(seconds)
    .run();

const jwks = async () => (await (await anonymous('/v2alpha1/derivedKeys/jwks.json')).json()).keys;

const jwksKids = async () => (await jwks()).map(({ kid }: { kid: string }) => kid);

/** One alarm, far enough after the last that a waiting keyset has arrived. */
async function alarm(world: TestPublisher): Promise<void> {
  world.clock.at += 130_000;
  await world.publisher.runAlarm();
}

/** The keyset that the head in KV names. */
async function publishedKids(world: TestPublisher): Promise<string[]> {
  const head = await publishedHead(world);
  const text = (await env.FEED.get(`v1/keyset/${head.keysetHash}`)) ?? '{}';
  return JSON.parse(text).keys.map(({ kid }: { kid: string }) => kid);
}

async function derive(secret: string) {
  const response = await admin('/v2alpha1/admin/apiKeys:derive', { body: { credential: secret } });
  if (!response.ok) return outcomeOf(response);
  return (await response.json()).token.token as string;
}

const kidOf = (token: string) =>
  JSON.parse(atob((token.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/'))).kid;

const isValid = async (credential: string) => {
  const body = { credential };
  return (await (await admin('/v2alpha1/admin/apiKeys:verify', { body })).json()).is_valid;
};

/** Starts a rotation without waking the worker's own hub, which has its own idea of the time. */
async function start(algorithm: 'EdDSA' | 'ES256' | 'RS256' = 'EdDSA'): Promise<string> {
  const deps = {
    keys: await deriveMasterKeys(readConfig(env)),
    signingKeys: createSigningKeyStore(env.DB),
    randomBytes,
    feed: { wake: async () => {} },
    auditEvent: (await createWorkerDeps(readConfig(env))).auditEvent,
  };
  const caller = { kind: 'system', id: '', requestId: 'r' } as const;
  const rotation = { tenantId: DEFAULT_TENANT_ID, algorithm, caller };
  const started = await startRotation(deps as never, rotation);
  if (started.outcome !== 'started') throw new Error('A rotation is under way.');
  expect(started.key.state).toBe('pending');
  return started.key.kid;
}

describe('rotation', () => {
  test('publishes first, signs a bound later, verifies the old until its last token is dead', async () => {
    await withPublisher(crypto.randomUUID(), async (world) => {
      await world.publisher.runAlarm();
      const { secret } = await issue();
      const old = await derive(secret);
      const next = await start();

      // Pending, and not yet named by any head: however long ago it was made, it does not sign.
      await pass(10_000);
      expect(kidOf(await derive(secret))).toBe(kidOf(old));
      await world.publisher.runAlarm();
      expect(await publishedKids(world)).not.toContain(next);
      expect(await keyOf(next)).not.toHaveProperty('publish_time');

      // Named by a head: it still waits for a whole bound.
      await alarm(world);
      expect((await publishedKids(world)).sort()).toEqual([kidOf(old), next].sort());
      await pass(BOUND_SECONDS - 30);
      await alarm(world);
      expect(await keyOf(next)).toMatchObject({ state: 'pending' });
      expect(kidOf(await derive(secret))).toBe(kidOf(old));

      // A bound after: it signs, and the old one verifies what it signed.
      await pass(31);
      await alarm(world);
      expect(await keyOf(next)).toMatchObject({ state: 'active' });
      const young = await derive(secret);
      expect(kidOf(young)).toBe(next);
      expect(await isValid(old)).toBe(true);
      expect(await isValid(young)).toBe(true);
      const retiring = await keyOf(kidOf(old));
      expect(retiring.state).toBe('retiring');
      const life = Date.parse(retiring.retire_time) - Date.parse((await keyOf(next)).activate_time);
      expect(life).toBe(TOKEN_LIVES_SECONDS * 1000);
      expect(await jwksKids()).toContain(kidOf(old));

      // Until the last token that it may have signed is dead.
      await pass(TOKEN_LIVES_SECONDS - 30);
      await alarm(world);
      expect(await keyOf(kidOf(old))).toMatchObject({ state: 'retiring' });
      await pass(31);
      await alarm(world);
      await alarm(world);
      expect(await keyOf(kidOf(old))).toMatchObject({ state: 'retired' });
      expect(await publishedKids(world)).toEqual([next]);
      expect(await jwksKids()).toEqual([next]);
      const left = "SELECT sealed_private_jwk AS sealed FROM signing_keys WHERE state = 'retired'";
      expect(await env.DB.prepare(left).first()).toEqual({ sealed: '' });
    });
  });

  test('is one at a time', async () => {
    await withPublisher(crypto.randomUUID(), async (world) => {
      await world.publisher.runAlarm();
      const answers = await Promise.all(Array.from({ length: 4 }, () => rotate()));
      const outcomes = await Promise.all(answers.map(outcomeOf));
      expect(outcomes.sort()).toEqual(['201', ...Array(3).fill('409 failed_precondition')]);
      expect((await states()).sort()).toEqual(['active', 'pending']);
    });
  });

  test.each(['ES256', 'RS256'] as const)('to %s gives tokens that verify', async (algorithm) => {
    await withPublisher(crypto.randomUUID(), async (world) => {
      await world.publisher.runAlarm();
      const next = await start(algorithm);
      for (let alarms = 0; alarms < 3; alarms++) await alarm(world);
      await pass(BOUND_SECONDS + 1);
      await alarm(world);
      const { secret } = await issue();
      const token = await derive(secret);
      // Keys are looked up at most once a second for an unknown kid; this one came out of nowhere.
      await expect.poll(() => isValid(token), { timeout: 5000 }).toBe(true);
      expect(kidOf(token)).toBe(next);
      const published = (await jwks()).find(({ kid }: { kid: string }) => kid === next);
      expect(published).toMatchObject({ alg: algorithm, use: 'sig' });
    });
  });

  test.each([
    ['an unknown algorithm', { algorithm: 'HS256' }],
    ['an algorithm that is no text', { algorithm: 1 }],
  ])('to %s is refused', async (_, body) => {
    expect(await outcomeOf(await rotate(body))).toBe('400 bad_request');
  });

  test('and the list of keys need an administrator', async () => {
    expect(await outcomeOf(await anonymous(ROTATE, { body: {} }))).toBe('401 unauthorized');
    expect(await outcomeOf(await anonymous('/v1/admin/signingKeys'))).toBe('401 unauthorized');
  });
});

describe('while there is no key', () => {
  test('there is no token and no key set, but an outage', async () => {
    const { secret } = await issue();
    expect(await derive(secret)).toBe('503 service_unavailable');
    const keys = await anonymous('/v2alpha1/derivedKeys/jwks.json');
    expect(await outcomeOf(keys)).toBe('503 service_unavailable');
  });
});

describe('what is shown', () => {
  test('has both shapes of a key set and public members only', async () => {
    await withPublisher(crypto.randomUUID(), async (world) => {
      await world.publisher.runAlarm();
      const response = await anonymous('/v2alpha1/derivedKeys/jwks.json');
      expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d{1,2}$/);
      const document = await response.json();
      expect(document.jwks.keys).toEqual(document.keys);
      for (const key of [
        ...document.keys,
        ...(await list()).map(({ jwk }: { jwk: object }) => jwk),
      ]) {
        for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) {
          expect(key).not.toHaveProperty(member);
        }
      }
    });
  });
});
