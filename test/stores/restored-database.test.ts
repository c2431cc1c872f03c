/**
 * Guarantee: after PostgreSQL was restored to an older state, what had been revoked since is refused
 * again, by the control plane as by edges, before another head is written (threat 33).
 */

import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  checkHeads,
  closeWorld,
  headsOf,
  issueKey,
  openWorld,
  revokeKey,
  startInstance,
  untilHeads,
  untilPublished,
  type World,
} from './publishing-instances.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => closeWorld(world));

/** The server's own copy of a whole database, which needs nobody else to be connected. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const url = new URL(world.database.url);
  url.pathname = '/postgres';
  const server = connectPostgres(url.href, { connectionsMax: 1, statementTimeoutMilliseconds: 0 });
  await server.sql.unsafe(`DROP DATABASE IF EXISTS ${to} WITH (FORCE)`);
  await server.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${from}`;
  await server.sql.unsafe(`CREATE DATABASE ${to} TEMPLATE ${from}`);
  await server.close();
}

test.each(['while it runs', 'while nobody runs'])(
  'a key that was revoked after the backup is revoked again: %s',
  async (when) => {
    const name = new URL(world.database.url).pathname.slice(1);
    const key = await issueKey(world);
    const stateOf = async () => {
      const rows = await world.database.sql`SELECT state FROM api_keys WHERE key_id = ${key.keyId}`;
      return rows[0]?.state;
    };
    const first = await startInstance(world);
    await untilHeads(world, 1);
    await first.close();
    await copyDatabase(name, `${name}_backup`);
    const second = await startInstance(world);
    const { revocation, scopeId } = await revokeKey(world, key);
    await second.publisher.announcer.announce([revocation]);
    await untilPublished(world, scopeId);

    if (when === 'while nobody runs') await second.close();
    await copyDatabase(`${name}_backup`, name);
    if (when === 'while nobody runs') {
      expect(await stateOf()).toBe('active'); // The loss is real.
      await startInstance(world);
    }
    await expect.poll(stateOf, { timeout: 10_000 }).toBe('revoked');
    await untilHeads(world, 2);
    // Not one head since the revocation was without it.
    const heads = await headsOf(world);
    const place = heads.findIndex(({ bounds }) => bounds.has(scopeId));
    for (const { bounds } of heads.slice(place)) expect(bounds.get(scopeId)).toBe(FOR_GOOD);
    await checkHeads(world);
  },
);
