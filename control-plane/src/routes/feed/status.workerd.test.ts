/** Guarantee: an operator sees what edges are told, how publishing goes, and what edges say they hold. */

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { bearer, makeAdmin, makeTenant } from '../../../testing/administrators.ts';
import { admin, anonymous, outcomeOf } from '../../../testing/api.ts';
import { createFaultyApp } from '../../../testing/faulty-app.ts';
import { headInKv, hub, publish } from '../../../testing/hub.ts';
import { SIGHTINGS_MAX } from '../../publication/edge-sightings.ts';
import { HubSightings } from '../../publication/hub/hub-sightings.ts';

const FEED = '/v1/admin/feed';
const status = async () => (await admin(FEED)).json();

beforeAll(async () => {
  await publish();
});

test('the head, its sizes, its publication and its bounds are shown', async () => {
  const before = await status();
  const subject = crypto.randomUUID();
  await admin('/v1/admin/revocations', { body: { target: 'token', subject } });
  await publish();
  // Heads that are handed out are up to a second old, in this isolate and in the hub.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const { head, publication, bounds, lanes } = await status();
  expect(head.entries).toBe(before.head.entries + 1);
  expect(head.tail_entries).toBe(head.entries);
  expect(head.bytes).toBeGreaterThan(before.head.bytes);
  expect(Number(head.seq)).toBeGreaterThanOrEqual(Number(publication.seq));
  expect(head.age_seconds).toBeLessThan(10);
  const inKv = await headInKv();
  expect(head.keyset).toBe(inKv.keysetHash);
  expect(publication).toMatchObject({ seq: String(inKv.seq), failures: 0 });
  expect(lanes).toEqual({ kv: true, http: true });
  expect(bounds).toEqual({
    heartbeat_seconds: 30,
    hard_seconds: 120,
    clock_skew_seconds: 60,
    revocation_bound_seconds: 180,
  });
});

test('edges appear with what they said last, and strangers change nothing else', async () => {
  const edge = `edge-${crypto.randomUUID()}`;
  const { head } = await status();
  const seq = Number(head.seq) - 5000;
  const response = await anonymous('/feed/v1/head', {
    headers: { 'Cardea-Edge': `${edge}; seq=${seq}` },
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
  const shown = async () =>
    (await status()).edges.find((one: { edge: string }) => one.edge === edge);
  for (let tries = 0; tries < 50 && (await shown()) === undefined; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const sighting = await shown();
  expect(sighting).toMatchObject({ edge, seq: String(seq) });
  expect(sighting.age_seconds).toBeLessThan(10);
  expect(sighting.behind_seconds).toBeGreaterThanOrEqual(5);
});

test('the hub keeps the later sighting, and the newest so many', async () => {
  const listed = await runInDurableObject(
    hub(),
    async (_hub: unknown, state: DurableObjectState) => {
      const sightings = new HubSightings(state.storage);
      state.storage.sql.exec('DELETE FROM edge_sightings');
      const at = (edge: string, seq: number, seenAt: number) => ({ edge, seq, seenAt }) as never;
      await sightings.note([at('a', 5, 50), at('b', 6, 60)]);
      await sightings.note([at('a', 4, 40), at('b', 7, 70)]);
      const few = await sightings.list();
      const many = Array.from({ length: SIGHTINGS_MAX }, (_, i) => at(`n${i}`, 1, 65 + i));
      await sightings.note(many);
      return { few, all: await sightings.list() };
    },
  );
  expect(listed.few).toEqual([
    { edge: 'b', seq: 7, seenAt: 70 },
    { edge: 'a', seq: 5, seenAt: 50 },
  ]);
  expect(listed.all).toHaveLength(SIGHTINGS_MAX);
  const names = listed.all.map(({ edge }: { edge: string }) => edge);
  expect([names.includes('b'), names.includes('a'), names.includes('n0')]).toEqual([
    ...[true, false, false],
  ]);
});

test('whoever is bound to a tenant is refused, and so is everybody while the hub is away', async () => {
  const bound = await makeAdmin({ role: 'owner', tenant_id: await makeTenant() });
  const response = await admin(FEED, { headers: bearer(bound.secret) });
  expect(await outcomeOf(response)).toBe('403 forbidden');
  const { faults, call } = await createFaultyApp();
  expect((await call('GET', FEED)).status).toBe(200);
  faults.names.length = 0;
  await call('GET', FEED);
  const place = faults.names.indexOf('hub.status') + 1;
  Object.assign(faults, { calls: 0, failAt: place });
  expect(await outcomeOf(await call('GET', FEED))).toBe('503 service_unavailable');
  expect(env.ENVIRONMENT_ID).toBe((await status()).environment_id);
});
