/** The hub behind the worker: what the admin's revocation does to KV, and the feed over HTTP. */

import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../../testing/api.ts';
import { headInKv, hub, publish, scopeIdOf, segmentInHub } from '../../../testing/hub.ts';
import { entriesOf } from '../segments/segment-content.ts';

beforeAll(publish);

const revoke = (keyId: string) => admin(`${ISSUED}/${keyId}:revoke`, { body: {} });

describe('a revocation', () => {
  test('is acknowledged by the hub, marked, and in the next head', async () => {
    const { issued_api_key: key } = await issue();
    const response = await revoke(key.key_id);
    expect(response.status).toBe(204);
    expect(response.headers.get('cardea-revocation')).toBe('acknowledged');
    const row = 'SELECT acknowledged FROM revocations WHERE scope_id = ?';
    const marked = await env.DB.prepare(row).bind(scopeIdOf(key.key_id)).first();
    expect(marked).toEqual({ acknowledged: 1 });
    await publish();
    expect((await headInKv()).bounds.get(scopeIdOf(key.key_id))).toBe(0xffffffff);
  });

  test('reaches KV by the alarm alone', async () => {
    const { issued_api_key: key } = await issue();
    await revoke(key.key_id);
    const isThere = async () => (await headInKv()).bounds.has(scopeIdOf(key.key_id));
    await expect.poll(isThere, { timeout: 10_000, interval: 200 }).toBe(true);
  });

  test('survives the eviction of the hub', async () => {
    const { issued_api_key: key } = await issue();
    await revoke(key.key_id);
    await evictDurableObject(hub());
    await publish();
    expect((await headInKv()).bounds.has(scopeIdOf(key.key_id))).toBe(true);
  });
});

describe('the feed over HTTP', () => {
  const head = (headers = {}) => anonymous('/feed/v1/head', { headers });

  test('serves a head newer than that in KV, and nothing keeps it', async () => {
    const response = await head();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/jose');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('etag')).toMatch(/^"\d+-\d+"$/);
    const bytes = await response.arrayBuffer();
    expect(new TextDecoder().decode(bytes).split('.')).toHaveLength(3);
  });

  test('contains at once what was just acknowledged, without a write to KV', async () => {
    const { issued_api_key: key } = await issue();
    await expect.poll(async () => (await hub().status()).failures).toBe(0);
    await revoke(key.key_id);
    const contains = async () => {
      const text = new TextDecoder().decode(await (await head()).arrayBuffer());
      const payload = (text.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
      const tail = JSON.parse(atob(payload)).tail.replaceAll('-', '+').replaceAll('_', '/');
      const hex = [...atob(tail)]
        .map((c) => c.charCodeAt(0).toString(16).padStart(2, '0'))
        .join('');
      return hex.includes(scopeIdOf(key.key_id));
    };
    await expect.poll(contains, { timeout: 3000, interval: 100 }).toBe(true);
  });

  test('answers 304 while the head is the same', async () => {
    for (let tries = 0; tries < 5; tries++) {
      const etag = (await head()).headers.get('etag') ?? '';
      const again = await head({ 'if-none-match': `"1-1", W/${etag}` });
      if (again.status === 200) continue; // A second had passed: it was stamped anew.
      expect(again.status).toBe(304);
      expect(again.headers.get('etag')).toBe(etag);
      expect(await again.text()).toBe('');
      return;
    }
    throw new Error('No head lasted for two requests.');
  });

  test.each([
    ['200 to the tag of another head', '"1-1"', 200],
    ['200 to something else', 'sometimes', 200],
    ['304 to any tag', '*', 304],
  ])('answers %s', async (_, tag, status) => {
    expect((await head({ 'if-none-match': tag })).status).toBe(status);
  });

  test('serves the keyset that the head in KV names, byte for byte', async () => {
    const { keysetHash } = await headInKv();
    const response = await anonymous(`/feed/v1/keyset/${keysetHash}`);
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(await response.text()).toBe(await env.FEED.get(`v1/keyset/${keysetHash}`, 'text'));
  });

  test('serves a segment byte for byte, also before KV has it, for good', async () => {
    const hash = await segmentInHub();
    const response = await anonymous(`/feed/v1/segment/${hash}`);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('cache-control')).toBe('public, max-age=86400, immutable');
    const content = new Uint8Array(await response.arrayBuffer());
    expect(await objectHash(content)).toBe(hash);
    expect(entriesOf(content).length).toBeGreaterThan(2048);
    const inKv = async () => env.FEED.get(`v1/segment/${hash}`, 'arrayBuffer');
    await expect.poll(async () => new Uint8Array((await inKv()) ?? [])).toEqual(content);
  });

  test.each(
    ['keyset', 'segment'].flatMap((kind) => [
      [kind, 'another hash', 'f'.repeat(64)],
      [kind, 'no hash', 'head'],
      [kind, 'a hash in capitals', 'F'.repeat(64)],
      [kind, 'a path', '..%2fhead'],
    ]),
  )('has no %s of %s', async (kind, _, hash) => {
    expect(await outcomeOf(await anonymous(`/feed/v1/${kind}/${hash}`))).toBe('404 not_found');
  });

  test('objects are asked for so often a second, and no more', async () => {
    const unknown = (n: number) => n.toString(16).padStart(64, '0');
    const calls = Array.from({ length: 120 }, (_, n) =>
      anonymous(`/feed/v1/segment/${unknown(n)}`),
    );
    const outcomes = await Promise.all((await Promise.all(calls)).map(outcomeOf));
    expect(new Set(outcomes)).toEqual(new Set(['404 not_found', '503 service_unavailable']));
  });
});

describe('at rest', () => {
  test('no private key stands in D1 or in KV, and no salt', async () => {
    const { secret } = await issue();
    await admin('/v2alpha1/admin/apiKeys:derive', { body: { credential: secret } });
    const stored = await env.DB.prepare('SELECT * FROM signing_keys').all();
    const secrets = await env.DB.prepare('SELECT * FROM stored_secrets').all();
    expect(stored.results).not.toHaveLength(0);
    expect(secrets.results.map(({ name }) => name).sort()).toEqual([
      ...['actor-salt', 'audit-log/v1', 'macaroon-root'],
    ]);
    for (const row of stored.results) {
      const text = String(row.sealed_private_jwk).replaceAll('-', '+').replaceAll('_', '/');
      expect(text.length).toBeGreaterThan(100);
      expect(atob(text)).not.toMatch(/kty|"d"/);
      expect(Object.keys(JSON.parse(String(row.public_jwk))).sort()).toEqual(['crv', 'kty', 'x']);
    }
    const { keys } = await env.FEED.list();
    expect(keys.map(({ name }) => name)).toContain(HEAD_OBJECT);
    for (const { name } of keys) expect(await env.FEED.get(name, 'text')).not.toContain('"d"');
  });
});
