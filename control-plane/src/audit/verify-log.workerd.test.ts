/**
 * Guarantee: whoever changes the audit log in the database without the key, whatever way, is found,
 * and the first event concerned is named.
 */

import { env } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../config.workers.ts';
import { createAuditStore } from '../database/audit-store.d1.ts';
import { createStoredSecretStore } from '../database/stored-secret-store.d1.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { auditKeyReader, createEventRecorder } from './event-recorder.ts';
import { pruneAuditEvents } from './prune-events.ts';
import { parseKnownSeal } from './seal.ts';
import { sealAuditEvents } from './seal-events.ts';
import { verifyLog } from './verify-log.ts';

const CALLER = { kind: 'bootstrap', id: '', role: 'owner', requestId: 'r' } as const;
const DAY = 24 * 60 * 60 * 1000;

async function createLog() {
  await env.DB.exec('DELETE FROM audit_events');
  const { keyEncryption } = await deriveMasterKeys(readConfig(env));
  const store = createStoredSecretStore(env.DB);
  const auditKey = auditKeyReader({ store, keyEncryption, randomBytes });
  const events = createAuditStore(env.DB);
  const logged: string[] = [];
  const log = (_level: string, event: string) => {
    logged.push(event);
  };
  const auditEvent = createEventRecorder({ auditKey, randomBytes });
  let known: string | undefined;
  const self = {
    ...{ events, auditKey, auditEvent, logged },
    known: () => known,
    /** Appends so many events, one after the other in time. */
    async append(count: number) {
      for (let i = 0; i < count; i++) {
        const event = await auditEvent({
          ...{ tenantId: DEFAULT_TENANT_ID, operation: 'api_key.issue', targetId: `k${i}` },
          ...{ caller: CALLER, changes: { name: { after: `n${i}` } } },
        });
        await events.append(event);
        await sql('UPDATE audit_events SET time_ms = time_ms + ? WHERE event_id = ?', [
          i,
          event.eventId,
        ]);
      }
    },
    /** One cycle of the publisher, which remembers what it got. */
    async seal() {
      known = await sealAuditEvents({ events, auditKey, log } as never, known);
    },
    verify: (fromPosition?: number, countMax = 10_000) => {
      const newest = known === undefined ? undefined : parseKnownSeal(known);
      const parts = { events, auditKey, ...(newest === undefined ? {} : { known: newest }) };
      const walk = fromPosition === undefined ? { countMax } : { countMax, fromPosition };
      return verifyLog(parts, walk);
    },
    prune: (retentionDays: number) =>
      pruneAuditEvents({ events, auditEvent, retentionDays }, unixMilliseconds(Date.now())),
  };
  return self;
}

const sql = (statement: string, parameters: unknown[] = []) =>
  env.DB.prepare(statement)
    .bind(...parameters)
    .run();

/** Somebody's row: whatever they like, but for the key. */
const insertForeign = (position: number | null, { timeMs = Date.now(), seal = 'x' } = {}) =>
  sql(
    `INSERT INTO audit_events SELECT 'foreign', nid, ?2, operation, target_id, caller_kind,
       caller_id, caller_role, request_id, client_address, changes, mac, ?1, ?3
     FROM audit_events LIMIT 1`,
    [position, timeMs, position === null ? null : seal],
  );

/** Moves everything from a position on, the last one first: positions are unique. */
async function shift(from: number, by: number) {
  const order = by > 0 ? 'DESC' : 'ASC';
  const { results } = await env.DB.prepare(
    `SELECT position FROM audit_events WHERE position >= ? ORDER BY position ${order}`,
  )
    .bind(from)
    .all<{ position: number }>();
  for (const { position } of results) {
    await sql('UPDATE audit_events SET position = ? WHERE position = ?', [position + by, position]);
  }
}

let log: Awaited<ReturnType<typeof createLog>>;
beforeEach(async () => {
  log = await createLog();
});

describe('a log that nobody touched', () => {
  test('is whole, empty or not, sealed or not', async () => {
    expect(await log.verify()).toEqual({ verifiedCount: 0, unsealedCount: 0, fromPosition: 1 });
    await log.seal();
    expect(log.known()).toBeUndefined();
    await log.append(5);
    expect(await log.verify()).toMatchObject({ verifiedCount: 0, unsealedCount: 5 });
    await log.seal();
    expect(parseKnownSeal(log.known() ?? '')).toMatchObject({ position: 5 });
    await log.append(3);
    await log.seal();
    await log.append(1);
    const whole = { verifiedCount: 8, unsealedCount: 1, fromPosition: 1, headPosition: 8 };
    expect(await log.verify()).toEqual(whole);
    expect(log.logged).toEqual([]);
  });

  test('is verified in pieces', async () => {
    await log.append(7);
    await log.seal();
    const first = await log.verify(undefined, 4);
    expect(first).toMatchObject({ verifiedCount: 4, nextPosition: 5 });
    expect(await log.verify(5)).toEqual({
      ...{ verifiedCount: 3, unsealedCount: 0, fromPosition: 5, headPosition: 7 },
    });
  });

  test('is sealed and verified beyond one page', async () => {
    await log.append(1);
    await sql(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
       INSERT INTO audit_events SELECT 'copy-' || i, nid, time_ms + i, operation, target_id,
         caller_kind, caller_id, caller_role, request_id, client_address, changes, mac, NULL, NULL
       FROM audit_events, n`,
    );
    await log.seal();
    expect(log.logged).toContain('audit_events_foreign');
    expect(parseKnownSeal(log.known() ?? '')).toMatchObject({ position: 1202 });
    // All but the first were added by hand. From behind the last of them the log is whole.
    expect((await log.verify()).problem).toMatchObject({ kind: 'added', position: 2 });
    await log.append(1);
    await log.seal();
    expect(await log.verify(1203)).toMatchObject({ verifiedCount: 1, headPosition: 1203 });
    expect(await log.verify(1203)).not.toHaveProperty('problem');
  });
});

type Log = typeof log;
type Tampering = readonly [
  what: string,
  tamper: (log: Log) => Promise<unknown>,
  problem: { readonly kind: string; readonly position?: number },
];

const setAt = (column: string, value: unknown, position = 4) =>
  sql(`UPDATE audit_events SET ${column} = ? WHERE position = ?`, [value, position]);
const removeAt = (...positions: number[]) =>
  sql(`DELETE FROM audit_events WHERE position IN (${positions.join(', ')})`);

/** Done to a log of nine sealed events. */
const TAMPERINGS: readonly Tampering[] = [
  ['the operation', () => setAt('operation', 'api_key.revoke'), { kind: 'altered', position: 4 }],
  ['the target', () => setAt('target_id', 'k'), { kind: 'altered', position: 4 }],
  ['the tenant', () => setAt('nid', 'other'), { kind: 'altered', position: 4 }],
  ['the time', () => setAt('time_ms', 1), { kind: 'altered', position: 4 }],
  ['the kind of caller', () => setAt('caller_kind', 'system'), { kind: 'altered', position: 4 }],
  ['the caller', () => setAt('caller_id', 'mallory'), { kind: 'altered', position: 4 }],
  ['the role', () => setAt('caller_role', null), { kind: 'altered', position: 4 }],
  ['the request id', () => setAt('request_id', 's'), { kind: 'altered', position: 4 }],
  ['the address', () => setAt('client_address', '192.0.2.1'), { kind: 'altered', position: 4 }],
  ['the changes', () => setAt('changes', '{}'), { kind: 'altered', position: 4 }],
  ['changes that are no JSON', () => setAt('changes', '{'), { kind: 'altered', position: 4 }],
  [
    'changes without bottom',
    () => setAt('changes', '['.repeat(50_000) + ']'.repeat(50_000)),
    { kind: 'altered', position: 4 },
  ],
  ['the MAC', () => setAt('mac', 'x'), { kind: 'altered', position: 4 }],
  ['the seal', () => setAt('seal', 'x'), { kind: 'altered', position: 4 }],
  ['the first event', () => setAt('target_id', 'k', 1), { kind: 'altered', position: 1 }],
  ['the last event', () => setAt('target_id', 'k', 9), { kind: 'altered', position: 9 }],
  ['the last seal', () => setAt('seal', null, 9), { kind: 'altered', position: 9 }],
  [
    'two events, the later one first',
    async () => {
      await setAt('target_id', 'k', 7);
      await setAt('target_id', 'k', 3);
    },
    { kind: 'altered', position: 3 },
  ],
  [
    'the order of two events',
    async () => {
      await setAt('position', 100, 4);
      await setAt('position', 4, 5);
      await setAt('position', 5, 100);
    },
    { kind: 'altered', position: 4 },
  ],
  ['an event removed', () => removeAt(4), { kind: 'missing', position: 4 }],
  ['three events removed', () => removeAt(4, 5, 6), { kind: 'missing', position: 4 }],
  ['the first event removed', () => removeAt(1), { kind: 'missing', position: 1 }],
  ['the last event removed', () => removeAt(9), { kind: 'missing', position: 9 }],
  ['the end cut off', () => removeAt(6, 7, 8, 9), { kind: 'missing', position: 6 }],
  ['everything removed', () => sql('DELETE FROM audit_events'), { kind: 'missing', position: 1 }],
  [
    'an event removed and the gap closed',
    async () => {
      await removeAt(4);
      await shift(5, -1);
    },
    { kind: 'altered', position: 4 },
  ],
  [
    'the end cut off, and more events after it',
    async (one) => {
      await removeAt(8, 9);
      await one.append(2);
      await one.seal();
      expect(one.logged).toContain('audit_log_end_missing');
    },
    { kind: 'missing', position: 8 },
  ],
  ['an event without a place added', () => insertForeign(null), { kind: 'added' }],
  [
    'an event added before it was sealed',
    async (one) => {
      await insertForeign(null);
      await one.seal();
    },
    { kind: 'added', position: 10 },
  ],
  ['an event added at the end', () => insertForeign(10), { kind: 'added', position: 10 }],
  [
    'an event added at the end, and more after it',
    async (one) => {
      await insertForeign(10);
      await one.append(2);
      await one.seal();
      expect(one.logged).toContain('audit_events_foreign');
    },
    { kind: 'added', position: 10 },
  ],
  [
    'an event added far beyond the end, and more after it',
    async (one) => {
      await insertForeign(1000);
      await one.append(2);
      await one.seal();
    },
    { kind: 'added', position: 1000 },
  ],
  [
    'an event added in the middle, the others moved on',
    async () => {
      await shift(4, 1);
      await insertForeign(4);
    },
    { kind: 'added', position: 4 },
  ],
  ['an event added before the first', () => insertForeign(0), { kind: 'added', position: 0 }],
  ['an event added between two', () => insertForeign(3.5), { kind: 'added', position: 3.5 }],
  [
    'a copy of an event added',
    async () => {
      await sql(
        `INSERT INTO audit_events SELECT 'copy', nid, time_ms, operation, target_id, caller_kind,
           caller_id, caller_role, request_id, client_address, changes, mac, 10, seal
         FROM audit_events WHERE position = 9`,
      );
    },
    { kind: 'added', position: 10 },
  ],
];

test.each(TAMPERINGS)('%s is named', async (_, tamper, problem) => {
  await log.append(9);
  await log.seal();
  await tamper(log);
  const verification = await log.verify();
  expect(verification.problem).toMatchObject(problem);
  expect(verification.problem?.position).toBe(problem.position);
});

describe('without the seal of a head', () => {
  test('an end that was cut off cannot be told: the head is what knows it', async () => {
    await log.append(5);
    await log.seal();
    await removeAt(5);
    const { events, auditKey } = log;
    const verification = await verifyLog({ events, auditKey }, { countMax: 100 });
    expect(verification).toEqual({ verifiedCount: 4, unsealedCount: 0, fromPosition: 1 });
  });
});

describe('two writers at the same moment', () => {
  test('seal every event once', async () => {
    await log.append(20);
    await Promise.all([log.seal(), log.seal(), log.seal()]);
    await log.seal();
    expect(await log.verify()).toMatchObject({ verifiedCount: 20, unsealedCount: 0 });
    expect(await log.verify()).not.toHaveProperty('problem');
  });
});

describe('old events', () => {
  const age = (days: number, below: number) =>
    sql(
      'UPDATE audit_events SET time_ms = time_ms - ? WHERE target_id IN (SELECT value FROM json_each(?))',
      [days * DAY, JSON.stringify(Array.from({ length: below }, (_, i) => `k${i}`))],
    );

  test('are removed from the beginning, and what is left is whole', async () => {
    await log.append(9);
    await age(402, 4);
    await log.seal();
    expect(await log.prune(400)).toBe(4);
    expect(await log.prune(400)).toBe(0);
    await log.seal();
    // Five of before, and one that tells of the removal.
    expect(await log.verify()).toEqual({
      ...{ verifiedCount: 6, unsealedCount: 0, fromPosition: 5, headPosition: 10 },
    });
  });

  test('stay for the days of the policy, and up to one more', async () => {
    await log.append(9);
    await age(400.5, 4);
    await log.seal();
    expect(await log.prune(400)).toBe(0);
    expect(await log.prune(399)).toBe(4);
  });

  test('never go all: the newest one is where the sequence goes on', async () => {
    await log.append(9);
    await age(500, 9);
    await log.seal();
    expect(await log.prune(400)).toBe(8);
    await log.append(1);
    await log.seal();
    expect(await log.verify()).toMatchObject({ verifiedCount: 3, fromPosition: 9 });
    expect(await log.verify()).not.toHaveProperty('problem');
  });

  test('that somebody else removed are missing, policy or not', async () => {
    await log.append(9);
    await age(402, 4);
    await log.seal();
    await log.prune(400);
    await log.seal();
    await removeAt(5);
    expect((await log.verify()).problem).toMatchObject({ kind: 'missing', position: 1 });
  });

  test('are missing if the announcement of their removal was altered', async () => {
    await log.append(9);
    await age(402, 4);
    await log.seal();
    await log.prune(400);
    await sql(
      `UPDATE audit_events SET changes = replace(changes, '"after":5', '"after":6')
       WHERE operation = 'audit_event.prune'`,
    );
    await removeAt(5);
    expect((await log.verify()).problem).toMatchObject({ kind: 'missing', position: 1 });
  });
});

test('looking for unsealed events does not read the sealed ones', async () => {
  const { results } = await env.DB.prepare(
    `EXPLAIN QUERY PLAN SELECT * FROM audit_events WHERE position IS NULL
     ORDER BY +time_ms, +event_id LIMIT 10`,
  ).all<{ detail: string }>();
  expect(results.map(({ detail }) => detail).join('\n')).toMatch(/USING INDEX \S+ \(position=\?\)/);
});
