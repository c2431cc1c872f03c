/** Guarantee: the status of a revocation, and the rows that a filter by status asks for, are the same. */

import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { Revocation } from './revocation.ts';
import { REVOCATION_STATUSES, rowsWithStatus, statusOfRevocation } from './status.ts';

const NOW = unixSeconds(100);

function rowOf(change: Partial<Revocation> = {}): Revocation {
  return {
    ...{ revocationId: 'r', tenantId: 't', scope: 'token', cause: 'test', isAcknowledged: false },
    entry: { scopeId: { high: 1, low: 1 }, boundSeconds: 1 },
    createdAtSeconds: NOW,
    effectiveAtSeconds: NOW,
    expiresAtSeconds: unixSeconds(101),
    ...change,
  };
}

describe.each([true, false])('where commits are acknowledged: %j', (acknowledgesCommits) => {
  test.each<readonly [string, Partial<Revocation>]>([
    [acknowledgesCommits ? 'acknowledged' : 'accepted', {}],
    ['acknowledged', { isAcknowledged: true }],
    ['published', { publishedSeq: 1 }],
    ['published', { publishedSeq: 1, isAcknowledged: true }],
    ['waiting', { effectiveAtSeconds: unixSeconds(101), expiresAtSeconds: unixSeconds(200) }],
    ['ended', { expiresAtSeconds: NOW }],
    ['ended', { expiresAtSeconds: NOW, publishedSeq: 1 }],
  ])('%s is the status of %j', (status, change) => {
    expect(statusOfRevocation(rowOf(change), { now: NOW, acknowledgesCommits })).toBe(status);
  });
});

test('each status asks for rows of its stage', () => {
  const rows = (acknowledgesCommits: boolean) =>
    REVOCATION_STATUSES.map((status) => rowsWithStatus(status, { acknowledgesCommits }));
  const [waiting, published, ended] = [
    ...[{ stage: 'waiting' }, { stage: 'published' }, { stage: 'ended' }],
  ];
  const unpublished = { stage: 'unpublished' } as const;
  expect(rows(true)).toEqual([waiting, undefined, unpublished, published, ended]);
  expect(rows(false)).toEqual([
    waiting,
    { ...unpublished, isAcknowledged: false },
    { ...unpublished, isAcknowledged: true },
    published,
    ended,
  ]);
});
