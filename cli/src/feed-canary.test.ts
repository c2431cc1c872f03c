/** Guarantee: the canary tells a bound that held from one that did not, whatever the edge answers between. */

import { expect, test } from 'vitest';
import { type CanaryParts, type EdgeAnswer, runRound } from './feed-canary.ts';

interface World {
  /** What the edge answers so many milliseconds after the revocation. */
  readonly after: (milliseconds: number) => EdgeAnswer;
  /** And so many milliseconds after the start, before it. */
  readonly before?: (milliseconds: number) => EdgeAnswer;
}

function worldOf({ after, before = () => 'accepted' }: World) {
  const startedAt = 1_700_000_000_000;
  let now = startedAt;
  let revokedAt: number | undefined;
  const ttls: number[] = [];
  const revoked: string[] = [];
  const parts: CanaryParts = {
    async derive(ttlSeconds) {
      ttls.push(ttlSeconds);
      return { token: 'token', jti: 'jti' };
    },
    async revoke(jti) {
      revoked.push(jti);
      now += 50;
      revokedAt = now;
      return { id: 'r', status: 'acknowledged' };
    },
    async callEdge(token) {
      expect(token).toBe('token');
      now += 10;
      return revokedAt === undefined ? before(now - startedAt) : after(now - revokedAt);
    },
    now: () => now,
    pause: async (milliseconds) => {
      now += milliseconds;
    },
  };
  return { parts, ttls, revoked };
}

const untilMs =
  (end: number, then: EdgeAnswer = 'refused') =>
  (at: number): EdgeAnswer =>
    at < end ? 'accepted' : then;

const BOUND = 10;

test('a token that is refused in time', async () => {
  const { parts, revoked, ttls } = worldOf({ after: untilMs(4000) });
  const round = await runRound(parts, BOUND);
  expect(round).toMatchObject({
    ...{ outcome: 'in_time', jti: 'jti', revocation_id: 'r', revocation_status: 'acknowledged' },
    ...{ bound_seconds: BOUND, unavailable: 0, time: '2023-11-14T22:13:20.000Z' },
  });
  expect(round.last_accepted_seconds).toBeGreaterThan(3.5);
  expect(round.last_accepted_seconds).toBeLessThan(4);
  expect((round.first_refused_seconds ?? 0) - (round.last_accepted_seconds ?? 0)).toBeLessThan(0.5);
  expect(revoked).toEqual(['jti']);
  expect(ttls[0]).toBeGreaterThan(2 * BOUND);
});

test.each<readonly [string, World['after'], string]>([
  ['at once', () => 'refused', 'in_time'],
  ['after the bound', untilMs(10_300), 'late'],
  ['never', () => 'accepted', 'not_refused'],
  [
    'here and there, and at last',
    (at) => (at > 9000 || at % 3 === 0 ? 'refused' : 'accepted'),
    'in_time',
  ],
  [
    'by one isolate, while another lets it through',
    (at) => (at % 2000 < 400 ? 'accepted' : 'refused'),
    'not_refused',
  ],
  ['after an outage', (at) => (at < 8000 ? 'unavailable' : 'refused'), 'in_time'],
  ['not at all, in an outage without end', () => 'unavailable', 'in_time'],
])('a token that is refused %s', async (_, after, outcome) => {
  const round = await runRound(worldOf({ after }).parts, BOUND);
  expect(round.outcome).toBe(outcome);
  if (outcome === 'late') expect(round.last_accepted_seconds).toBeGreaterThan(BOUND);
});

test('a fresh token may take a moment, but not for ever', async () => {
  const late = worldOf({
    before: (at) => (at < 5000 ? 'unavailable' : 'accepted'),
    after: untilMs(1),
  });
  expect((await runRound(late.parts, BOUND)).outcome).toBe('in_time');
  const never = worldOf({ before: () => 'refused', after: untilMs(1) });
  expect((await runRound(never.parts, BOUND)).outcome).toBe('not_accepted');
  expect(never.revoked).toEqual([]);
});
