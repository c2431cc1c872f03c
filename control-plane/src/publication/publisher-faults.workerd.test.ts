/**
 * Fails each call that leaves the process, the first time and the last time that it is made, before its
 * effect and after it (docs/feed.md, invariant 4): no acknowledged revocation is missing from a head that
 * claims to contain it, every committed one arrives without an operator, and what a head names exists.
 */

import { env } from 'cloudflare:workers';
import { keysetObject } from '@cardea/shared/feed/head';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { beforeEach, expect, test } from 'vitest';
import {
  commitRevocation,
  emptyWorld,
  publishedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';

beforeEach(emptyWorld);

interface Promised {
  readonly scopeId: string;
  /** When `acknowledged` was answered; absent while it is only committed. */
  readonly acknowledgedAt?: number;
}

/** What is true at every moment, of the publisher's own storage and of the head in KV. */
async function checkHead(world: TestPublisher, promised: readonly Promised[], seqs: number[]) {
  const page = await world.storage.apart.tailEntries({ afterScopeId: '', count: 1000 });
  const stored = page.map(({ scopeId }) => formatScopeId(scopeId));
  for (const { scopeId, acknowledgedAt } of promised) {
    if (acknowledgedAt !== undefined) expect(stored, 'an acknowledged entry').toContain(scopeId);
  }
  const head = await publishedHead(world);
  if (head === undefined) return;
  for (const { scopeId, acknowledgedAt } of promised) {
    const isClaimed = acknowledgedAt !== undefined && acknowledgedAt < head.issuedAtSeconds * 1000;
    if (isClaimed) expect(head.scopeIds, 'an acknowledged revocation').toContain(scopeId);
  }
  expect(await env.FEED.get(keysetObject(head.keysetHash)), 'the keyset').not.toBeNull();
  expect(head.seq).toBeGreaterThanOrEqual(seqs.at(-1) ?? 0);
  seqs.push(head.seq);
}

/** A first start, revocations with and without the hub, heads between them: with one fault in it. */
async function runOnce(failAt: number, mode: 'before' | 'after'): Promise<readonly string[]> {
  let calls: readonly string[] = [];
  await withPublisher(crypto.randomUUID(), async (world) => {
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
    const alarm = async () => {
      clock.at += 2000;
      // A thrown alarm is a crash: the process is gone, the runtime runs the alarm again.
      await world.publisher.runAlarm().catch(() => world.restart());
      await checkHead(world, promised, seqs);
    };
    const revokeWithoutHub = async () => {
      promised.push({ scopeId: (await commitRevocation()).scopeId });
    };
    for (const step of [alarm, revoke, alarm, revokeWithoutHub, alarm, revoke, alarm]) await step();
    calls = [...faults.names];
    faults.failAt = Number.POSITIVE_INFINITY;
    // Repaired without an operator: nothing but alarms, at the times that the publisher chose.
    for (let repairs = 0; repairs < 3; repairs++) {
      expect(world.alarm.at ?? clock.at).toBeLessThanOrEqual(clock.at + 31_000);
      clock.at = Math.max(clock.at, world.alarm.at ?? 0) + 1;
      await alarm();
    }
    const head = await publishedHead(world);
    for (const { scopeId } of promised) expect(head?.scopeIds).toContain(scopeId);
    const states = await env.DB.prepare('SELECT state FROM signing_keys').all();
    expect(states.results).toEqual([{ state: 'active' }]);
  });
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
    const places = placesToFail(await runOnce(Number.POSITIVE_INFINITY, mode));
    expect(places.length).toBeGreaterThan(40);
    for (const failAt of places) {
      await emptyWorld();
      await runOnce(failAt, mode);
    }
  },
  120_000,
);
