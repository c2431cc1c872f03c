/**
 * Guarantee: an edge gets the keys of its tenants and audiences and no others; nobody else can open
 * them; one that is revoked for good goes, and does not come back.
 */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { randomBytes } from '@cardea/shared/crypto/random';
import { encodeKeyset, parseKeyset } from '@cardea/shared/feed/keyset';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import {
  importEdgeSealingKey,
  openMacaroonKeys,
  type SealedMacaroonKey,
} from '@cardea/shared/feed/sealed-key';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeTenant } from '../../testing/administrators.ts';
import { admin } from '../../testing/api.ts';
import { silenceHub } from '../../testing/hub.ts';
import { publishedHead, withPublisher } from '../../testing/publishers.ts';
import { readConfig } from '../config.workers.ts';
import { createD1Stores } from '../database/stores.d1.ts';
import { edgeRootReader } from '../edges/edge-secret.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { defaultTenant } from '../tenants/tenant.ts';
import { macaroonKeyTimes } from './macaroon-key.ts';
import { macaroonRootReader } from './macaroon-root.ts';
import { createKeySealer, type RevokedForGood } from './sealed-keys.ts';

const EDGES = '/v1/admin/edges';
const config = readConfig(env);
const stores = createD1Stores(env.DB);
const { keyEncryption } = await deriveMasterKeys(config);
const secrets = { store: stores.secrets, keyEncryption, randomBytes };
const own = defaultTenant(config);
const other = { ...own, tenantId: crypto.randomUUID(), issuer: 'https://other.example' };

const clock = { at: 0, now: () => unixMilliseconds(clock.at) };
const newSealer = () =>
  createKeySealer({
    ...{ edges: stores.edges, replacedKeys: stores.replacedKeys, clock },
    root: macaroonRootReader(secrets),
    edgeRoot: edgeRootReader(secrets),
    environmentId: config.environmentId,
    times: macaroonKeyTimes(config),
  });
let seal = newSealer();
const NONE_REVOKED: RevokedForGood = async () => new Set();
const sealed = (revoked = NONE_REVOKED, tenants = [own, other]) => seal(tenants, revoked);

interface Registered {
  readonly edge: { readonly edge_id: string };
  readonly secret: string;
}

let serial = 0;
async function register(change: Record<string, unknown> = {}): Promise<Registered> {
  const body = { name: `edge-${++serial}`, tenants: [DEFAULT_TENANT_ID], audiences: ['a'] };
  const response = await admin(EDGES, { body: { ...body, ...change } });
  expect(response.status).toBe(201);
  return response.json();
}

async function rotate({ edge }: Registered, body: unknown = {}): Promise<Registered> {
  return (await admin(`${EDGES}/${edge.edge_id}:rotate`, { body })).json();
}

/** What the holder of an edge's secret can open. */
async function opened(
  { edge, secret }: Registered,
  keys: readonly SealedMacaroonKey[],
  environmentId = config.environmentId,
) {
  const raw = decodeBase64url(secret) ?? new Uint8Array(0);
  const sealingKey = await importEdgeSealingKey(raw, ['decrypt']);
  const identity = { environmentId, edgeId: edge.edge_id, sealingKey };
  return [...(await openMacaroonKeys(identity, keys)).macaroonKeys.values()];
}

beforeEach(async () => {
  await silenceHub();
  // Not the stored secrets: the worker remembers the roots that are among them.
  for (const table of ['edges', 'replaced_macaroon_keys'])
    await env.DB.exec(`DELETE FROM ${table}`);
  seal = newSealer();
  // In the middle of an epoch.
  clock.at = (Math.floor(Date.now() / 1000 / 604_800) * 604_800 + 3 * 86_400) * 1000;
});

describe('an edge', () => {
  test('opens a key for each of its tenants with each of its audiences, and no other', async () => {
    const tenantId = await makeTenant();
    const second = { ...other, tenantId };
    const wide = await register({ tenants: [own.tenantId, tenantId], audiences: ['a', 'b'] });
    const narrow = await register({ audiences: ['b', 'c'] });
    const keys = await sealed(NONE_REVOKED, [own, second]);
    expect(keys).toHaveLength(6);
    const names = (list: readonly { tenantId: string; issuer: string; audience: string }[]) =>
      list.map(({ tenantId: id, issuer, audience }) => [id, issuer, audience].join(' ')).sort();
    const ofWide = await opened(wide, keys);
    expect(names(ofWide)).toEqual(
      [
        ...[`${own.tenantId} ${own.issuer} a`, `${own.tenantId} ${own.issuer} b`],
        ...[`${tenantId} ${second.issuer} a`, `${tenantId} ${second.issuer} b`],
      ].sort(),
    );
    const ofNarrow = await opened(narrow, keys);
    expect(names(ofNarrow)).toEqual(
      [`${own.tenantId} ${own.issuer} b`, `${own.tenantId} ${own.issuer} c`].sort(),
    );
    // Two edges share the key of what both are for: it is the same token that both verify.
    const shared = ofWide.find(
      ({ tenantId: id, audience }) => id === own.tenantId && audience === 'b',
    );
    expect(ofNarrow.find(({ audience }) => audience === 'b')).toEqual(shared);
    expect(new Set(ofWide.map(({ rootKey }) => rootKey.join())).size).toBe(4);
  });

  test('opens nothing with the secret of another edge, or in another environment', async () => {
    const [first, second] = [await register(), await register()];
    const keys = await sealed();
    expect(await opened(first, keys)).toHaveLength(1);
    expect(await opened({ ...first, secret: second.secret }, keys)).toEqual([]);
    expect(await opened(first, keys, 'another')).toEqual([]);
    const stolen = keys.filter(({ edgeId }) => edgeId === second.edge.edge_id);
    expect(stolen).toHaveLength(1);
    const relabelled = stolen.map((key) => ({ ...key, edgeId: first.edge.edge_id }));
    expect(await opened(first, relabelled)).toEqual([]);
  });

  test('gets nothing for a tenant that is gone, and nothing once it is revoked', async () => {
    const edge = await register();
    expect(await sealed(NONE_REVOKED, [other])).toEqual([]);
    expect(await sealed()).toHaveLength(1);
    await admin(`${EDGES}/${edge.edge.edge_id}:revoke`, { body: {} });
    expect(await sealed()).toEqual([]);
  });

  test('opens with either secret while a rotation overlaps, and then with the new one alone', async () => {
    clock.at = Date.now();
    const old = await register();
    const before = await opened(old, await sealed());
    const heir = await rotate(old, { overlap: '1h' });
    const during = await sealed();
    expect(during).toHaveLength(2 * before.length);
    expect(await opened(old, during)).toEqual(before);
    expect(await opened(heir, during)).toEqual(before);
    clock.at += 3_700_000;
    const after = await sealed();
    expect(await opened(old, after)).toEqual([]);
    expect((await opened(heir, after)).length).toBeGreaterThan(0);
  });

  test('without an overlap has the new secret alone at once', async () => {
    const old = await register();
    const heir = await rotate(old);
    const keys = await sealed();
    expect(await opened(old, keys)).toEqual([]);
    expect(await opened(heir, keys)).toHaveLength(1);
  });
});

test('the keyset stays the same while its keys do, whoever makes it', async () => {
  await register({ audiences: ['a', 'b'] });
  await register();
  const first = encodeKeyset([], await sealed());
  clock.at += 60_000;
  expect(encodeKeyset([], await sealed())).toEqual(first);
  seal = newSealer();
  expect(encodeKeyset([], await sealed())).toEqual(first);
  clock.at += 4 * 86_400_000; // The next epoch, while the one before has living tokens.
  const next = await sealed();
  expect(next).toHaveLength(6);
  const kids = new Set((await parsed(first)).map(({ kid }) => kid));
  expect(next.filter(({ kid }) => kids.has(kid))).toHaveLength(3);
});

async function parsed(bytes: Uint8Array<ArrayBuffer>): Promise<readonly SealedMacaroonKey[]> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
  const keyset = await parseKeyset(bytes, hash.join(''));
  if (!keyset.ok) throw new Error(JSON.stringify(keyset.refusal));
  return keyset.value.sealedKeys;
}

describe('a key that is revoked for good', () => {
  /** The publisher's own answer, for the kids that are given. */
  const revokedKeys = (scopeIds: readonly string[]) => async (asked: readonly string[]) =>
    new Set(asked.filter((scopeId) => scopeIds.includes(scopeId)));

  test('is replaced by another one, and does not come back when its entry has ended', async () => {
    const edge = await register({ audiences: ['a', 'b'] });
    const before = await opened(edge, await sealed());
    const [leaked, spared] = before;
    const scopeId = formatScopeId((leaked as (typeof before)[0]).scopeId);
    const after = await opened(edge, await sealed(revokedKeys([scopeId])));
    const kids = after.map(({ kid }) => kid);
    expect(kids).toHaveLength(2);
    expect(kids).not.toContain(leaked?.kid);
    expect(kids).toContain(spared?.kid);
    const [heir] = after.filter(({ kid }) => kid !== spared?.kid);
    expect(heir?.audience).toBe(leaked?.audience);
    expect(heir?.rootKey).not.toEqual(leaked?.rootKey);
    // The entry has ended: nobody says any more that it was revoked.
    seal = newSealer();
    clock.at += 2 * 86_400_000;
    expect((await opened(edge, await sealed())).map(({ kid }) => kid).sort()).toEqual(kids.sort());
    const again = await opened(
      edge,
      await sealed(revokedKeys([formatScopeId(heir?.scopeId as never)])),
    );
    expect(again.map(({ kid }) => kid)).not.toContain(heir?.kid);
    expect(again.map(({ kid }) => kid)).not.toContain(leaked?.kid);
  });

  test('is replaced although no edge has it', async () => {
    const asked: string[] = [];
    await seal([own], async (scopeIds) => {
      asked.push(...scopeIds);
      return new Set(scopeIds);
    });
    expect(asked).toHaveLength(1);
    const rows = await stores.replacedKeys.list(own.tenantId);
    expect(rows).toMatchObject([{ audience: own.audience, generation: 0 }]);
  });
});

test('what an edge needs is published soon after it is registered', async () => {
  await withPublisher(crypto.randomUUID(), async (world) => {
    world.clock.at = Date.now();
    await world.publisher.runAlarm();
    const edge = await register({ audiences: [own.audience] });
    for (let cycles = 0; cycles < 3; cycles++) {
      world.clock.at += 130_000;
      await world.publisher.runAlarm();
    }
    const { keysetHash } = await publishedHead(world);
    const text = (await env.FEED.get(`v1/keyset/${keysetHash}`, 'text')) ?? '';
    const keyset = await parseKeyset(encodeUtf8(text), keysetHash);
    if (!keyset.ok) throw new Error(JSON.stringify(keyset.refusal));
    const [key] = await opened(edge, keyset.value.sealedKeys);
    expect(key).toMatchObject({ tenantId: own.tenantId, audience: own.audience });
    expect(text).not.toContain(edge.secret);
  });
  const { results } = await env.DB.prepare('SELECT name FROM stored_secrets').all();
  expect(results.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['edge-root', 'macaroon-root']),
  );
});
