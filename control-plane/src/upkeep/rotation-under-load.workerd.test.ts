/**
 * Guarantee: the master secret and the signing keys are replaced while clients issue, verify and
 * exchange, and no call fails on that account. Instances of the control plane with other settings
 * stand for those that a deployment replaces one after the other, all on the same D1.
 */

import { env } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, describe, expect, test } from 'vitest';
import { ORIGIN } from '../../testing/api.ts';
import { publish, silenceHub } from '../../testing/hub.ts';
import { createApp } from '../app.ts';
import { parseConfig } from '../config.workers.ts';
import { createSigningKeyStore } from '../database/signing-key-store.d1.ts';
import { createStoredSecretStore } from '../database/stored-secret-store.d1.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { createWorkerDeps } from '../worker.ts';
import { resealSecrets } from './reseal-secrets.ts';

type Instance = ReturnType<typeof createApp>;

/** `current`, then the retired ones. */
const configOf = (current: string, ...retired: string[]) =>
  parseConfig({ ...env, CARDEA_SECRET: current, CARDEA_SECRET_RETIRED: retired.join(',') });

async function instanceOf(...secrets: [string, ...string[]]): Promise<Instance> {
  return createApp({ ...(await createWorkerDeps(configOf(...secrets))), log: () => {} });
}

/** What the single writer does after its restart. */
async function upkeepOf(...secrets: [string, ...string[]]) {
  const { keyEncryption } = await deriveMasterKeys(configOf(...secrets));
  const signingKeys = createSigningKeyStore(env.DB);
  const stored = createStoredSecretStore(env.DB);
  return resealSecrets({ keyEncryption, randomBytes, signingKeys, secrets: stored });
}

async function call(instance: Instance, path: string, body: object | URLSearchParams) {
  const isForm = body instanceof URLSearchParams;
  const response = await instance.fetch(
    new Request(`${ORIGIN}${path}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}`,
        ...(isForm ? {} : { 'Content-Type': 'application/json' }),
      },
      body: isForm ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, answer: await response.json() };
}

const issue = (instance: Instance) =>
  call(instance, '/v2alpha1/admin/issuedApiKeys', { name: 'load', actor_id: 'a', scopes: ['s'] });
const verify = (instance: Instance, credential: string) =>
  call(instance, '/v2alpha1/admin/apiKeys:verify', { credential });

/** An exchange as a client makes it: the admin token is not looked at there. */
async function exchange(instance: Instance, secret: string) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_secret: secret });
  const request = new Request(`${ORIGIN}/oauth2/token`, { method: 'POST', body: form });
  const response = await instance.fetch(request);
  return { status: response.status, answer: await response.json() };
}

/** Clients that go on until `during` is done, against the instances that are there at that moment. */
async function underLoad(
  deployed: { instances: readonly Instance[] },
  during: () => Promise<void>,
): Promise<{ readonly rounds: number; readonly failures: readonly string[] }> {
  let isOver = false;
  let rounds = 0;
  const failures: string[] = [];
  const some = () => {
    const { instances } = deployed;
    return instances[(randomBytes(1)[0] ?? 0) % instances.length] as Instance;
  };
  const check = (step: string, isGood: boolean, outcome: unknown) => {
    if (!isGood) failures.push(`${step}: ${JSON.stringify(outcome)}`);
  };
  const client = async () => {
    const kept: string[] = [];
    while (!isOver && failures.length === 0) {
      await pause(1); // What fails before any database is asked would leave the others no time.
      rounds++;
      const issued = await issue(some());
      check('issue', issued.status === 201, issued);
      kept.push(issued.answer.secret);
      const secret = kept[(randomBytes(1)[0] ?? 0) % kept.length] ?? '';
      const verified = await verify(some(), secret);
      check('verify', verified.answer.is_valid === true, verified);
      const exchanged = await exchange(some(), secret);
      check('exchange', exchanged.status === 200, exchanged);
      const token = await verify(some(), exchanged.answer.access_token);
      check('verify token', token.answer.is_valid === true, token);
    }
  };
  const clients = [client(), client(), client(), client()];
  try {
    await during();
  } finally {
    isOver = true;
    await Promise.all(clients);
  }
  return { rounds, failures };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

beforeAll(async () => {
  await publish(); // The first signing key, and the audit log's own, sealed under the first secret.
});

describe('the master secret', () => {
  test('is replaced in three steps, and no call fails', async () => {
    const first = env.CARDEA_SECRET;
    const second = 'the-second-master-secret-of-this-test-0123456789';
    const old = await instanceOf(first);
    const before = await issue(old);
    const deployed = { instances: [old] as readonly Instance[] };

    const { rounds, failures } = await underLoad(deployed, async () => {
      await pause(150);
      // 1. Every instance learns to read what the new secret will write.
      const reading = await instanceOf(first, second);
      deployed.instances = [old, reading];
      await pause(150);
      deployed.instances = [reading];
      // 2. The new one writes, the old one still reads; what is sealed moves over.
      const writing = await instanceOf(second, first);
      deployed.instances = [reading, writing];
      await pause(150);
      expect(await upkeepOf(second, first)).toMatchObject({ unreadable: 0 });
      await pause(150);
      deployed.instances = [writing];
      await pause(150);
      expect(await upkeepOf(second, first)).toMatchObject({ resealed: 0, unreadable: 0 });
    });
    expect(failures).toEqual([]);
    expect(rounds).toBeGreaterThan(10);

    // 3. The old one goes: keys with its checksum are refused like any text that is no key.
    const alone = await instanceOf(second);
    const renewed = await issue(alone);
    expect((await verify(alone, renewed.answer.secret)).answer.is_valid).toBe(true);
    expect((await exchange(alone, renewed.answer.secret)).status).toBe(200);
    const refused = await verify(alone, before.answer.secret);
    expect(refused.answer).toMatchObject({
      is_valid: false,
      error_code: 'VERIFICATION_ERROR_NOT_FOUND',
    });
    expect((await exchange(alone, before.answer.secret)).answer.error).toBe('invalid_client');
    // And with it back, they work again: nothing about them was changed.
    const both = await instanceOf(second, first);
    expect((await verify(both, before.answer.secret)).answer.is_valid).toBe(true);
    await upkeepOf(first, second);
  }, 20_000);
});

describe('the signing key', () => {
  /** Time passes for the keys: their dates move into the past. */
  const pass = (seconds: number) =>
    env.DB.prepare(
      `UPDATE signing_keys SET created_at_s = created_at_s - ?1, published_at_s = published_at_s - ?1,
         activated_at_s = activated_at_s - ?1, retired_at_s = retired_at_s - ?1`,
    )
      .bind(seconds)
      .run();
  const durations = { boundSeconds: 180, retiringSeconds: 86_460 };

  test('is replaced, and no call fails', async () => {
    const store = createSigningKeyStore(env.DB);
    const instance = await instanceOf(env.CARDEA_SECRET);
    const [old] = await store.list(DEFAULT_TENANT_ID);
    const { rounds, failures } = await underLoad({ instances: [instance] }, async () => {
      const rotated = await call(instance, '/v1/admin/signingKeys:rotate', {});
      expect(rotated.status).toBe(201);
      const { kid } = rotated.answer.signing_key;
      await publish();
      await silenceHub(); // It would promote the key as soon as the dates have moved.
      await store.markPublished(DEFAULT_TENANT_ID, [kid]);
      expect(await store.promote(DEFAULT_TENANT_ID, durations)).toBe('not_due');
      await pass(durations.boundSeconds + 1);
      await pause(5100); // Instances remember keys and their dates for five seconds.
      expect(await store.promote(DEFAULT_TENANT_ID, durations)).toBe('promoted');
      await pause(300);
    });
    expect(failures).toEqual([]);
    expect(rounds).toBeGreaterThan(10);
    const keys = await store.list(DEFAULT_TENANT_ID);
    expect(keys.map(({ state }) => state).sort()).toEqual(['active', 'retiring']);
    expect(keys.find(({ kid }) => kid === old?.kid)?.state).toBe('retiring');
  }, 20_000);
});
