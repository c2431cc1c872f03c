/**
 * Fails each call that leaves the process, the first time and the last time that it is made, before its
 * effect and after it (docs/feed.md, invariant 4): no acknowledged revocation is missing from a head that
 * claims to contain it, every committed one arrives without an operator, and what a head names exists.
 */

import { env } from 'cloudflare:workers';
import type { RevocationEntry } from '@cardea/shared/feed/entry';
import { keysetObject } from '@cardea/shared/feed/head';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { beforeEach, expect, test } from 'vitest';
import {
  commitRevocation,
  emptyWorld,
  findPublishedHead,
  publishedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';
import { entriesOf } from './segments/segment-content.ts';

beforeEach(emptyWorld);

interface Promised {
  readonly scopeId: string;
  /** When `acknowledged` was answered; absent while it is only committed. */
  readonly acknowledgedAt?: number;
}

/** What is true at every moment, of the publisher's own storage and of the head in KV. */
async function checkHead(world: TestPublisher, promised: readonly Promised[], seqs: number[]) {
  const entries: RevocationEntry[] = [
    ...(await world.storage.apart.tailEntries({ afterScopeId: '', count: 1000 })),
  ];
  for (const { hash } of await world.storage.segments.present()) {
    entries.push(...entriesOf((await world.storage.segments.content(hash)) ?? new Uint8Array(1)));
  }
  const stored = entries.map(({ scopeId }) => formatScopeId(scopeId));
  for (const { scopeId, acknowledgedAt } of promised) {
    if (acknowledgedAt !== undefined) expect(stored, 'an acknowledged entry').toContain(scopeId);
  }
  const head = await findPublishedHead(world);
  if (head === undefined) return;
  for (const { scopeId, acknowledgedAt } of promised) {
    const isClaimed = acknowledgedAt !== undefined && acknowledgedAt < head.issuedAtSeconds * 1000;
    if (isClaimed) expect(head.scopeIds, 'an acknowledged revocation').toContain(scopeId);
  }
  expect(await env.FEED.get(keysetObject(head.keysetHash)), 'the keyset').not.toBeNull();
  expect(head.seq).toBeGreaterThanOrEqual(seqs.at(-1) ?? 0);
  seqs.push(head.seq);
}

interface Run {
  readonly failAt: number;
  readonly mode: 'before' | 'after';
  readonly withSegments: boolean;
}

/** So that every second revocation makes a segment, and three of them become one. */
const tiny = () => ({
  segmentLimits: { tailAim: 1, tailMax: 40, flushMax: 8, segmentMax: 64 },
});

/**
 * A first start, revocations with and without the hub, heads between them, segments that arrive: with one
 * fault in it.
 */
async function runOnce({ failAt, mode, withSegments }: Run): Promise<readonly string[]> {
  let calls: readonly string[] = [];
  await withPublisher(
    crypto.randomUUID(),
    async (world) => {
      const { clock, faults } = world;
      const promised: Promised[] = [];
      const seqs: number[] = [];
      faults.names.length = 0;
      Object.assign(faults, { calls: 0, failAt, mode });
      const revoke = async () => {
        const { row, scopeId } = await commitRevocation();
        const answer = await world.announcer.announce([row]);
        promised.push(
          answer === 'acknowledged' ? { scopeId, acknowledgedAt: clock.now() } : { scopeId },
        );
        await checkHead(world, promised, seqs);
      };
      const alarmAfter = (milliseconds: number) => async () => {
        clock.at += milliseconds;
        // A thrown alarm is a crash: the process is gone, the runtime runs the alarm again.
        await world.publisher.runAlarm().catch(() => world.restart());
        await checkHead(world, promised, seqs);
      };
      const alarm = alarmAfter(2000);
      const revokeWithoutHub = async () => {
        promised.push({ scopeId: (await commitRevocation()).scopeId });
      };
      const late = alarmAfter(121_000);
      const steps = withSegments
        ? [alarm, ...[1, 2, 3, 4].flatMap(() => [revoke, revokeWithoutHub, late]), late, late]
        : [alarm, revoke, alarm, revokeWithoutHub, alarm, revoke, alarm];
      for (const step of steps) await step();
      calls = [...faults.names];
      faults.failAt = Number.POSITIVE_INFINITY;
      // Repaired without an operator: nothing but alarms, at the times that the publisher chose.
      for (let repairs = 0; repairs < 3; repairs++) {
        expect(world.alarm.at ?? clock.at).toBeLessThanOrEqual(clock.at + 31_000);
        clock.at = Math.max(clock.at, world.alarm.at ?? 0) + 1;
        await alarm();
      }
      const head = await publishedHead(world);
      if (withSegments) expect(head.segments.length).toBeGreaterThan(0);
      for (const { scopeId } of promised) expect(head.scopeIds).toContain(scopeId);
      const states = await env.DB.prepare('SELECT state FROM signing_keys').all();
      expect(states.results).toEqual([{ state: 'active' }]);
    },
    withSegments ? tiny : undefined,
  );
  return calls;
}

/** Where each name comes for the first and for the last time, counted from 1. */
function placesToFail(names: readonly string[]): number[] {
  const places = new Set(
    [...new Set(names)].flatMap((name) => [names.indexOf(name) + 1, names.lastIndexOf(name) + 1]),
  );
  return [...places];
}

test.each(['before', 'after'] as const)(
  'a call that fails %s its effect loses nothing and promises nothing',
  async (mode) => {
    const run = { mode, withSegments: false };
    const places = placesToFail(await runOnce({ ...run, failAt: Number.POSITIVE_INFINITY }));
    expect(places.length).toBeGreaterThan(40);
    for (const failAt of places) {
      await emptyWorld();
      await runOnce({ ...run, failAt });
    }
  },
  120_000,
);

/** The calls that only segments make. */
const OF_SEGMENTS = /egment|DELETE FROM entries WHERE \(scope_id/;

test.each(['before', 'after'] as const)(
  'a call about segments that fails %s its effect neither',
  async (mode) => {
    const run = { mode, withSegments: true };
    const names = await runOnce({ ...run, failAt: Number.POSITIVE_INFINITY });
    const places = placesToFail(names).filter((place) => OF_SEGMENTS.test(names[place - 1] ?? ''));
    expect(new Set(places.map((place) => names[place - 1])).size).toBeGreaterThan(5);
    for (const failAt of places) {
      await emptyWorld();
      await runOnce({ ...run, failAt });
    }
  },
  120_000,
);
