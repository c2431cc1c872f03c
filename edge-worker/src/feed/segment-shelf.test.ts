/** Guarantee: what is on the shelf is found, whatever happened while it was being checked. */

import { encodeEntries } from '@cardea/shared/feed/entry';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { createRevocationTable } from '@cardea/shared/feed/revocation-table';
import { refuse } from '@cardea/shared/result';
import { unixSeconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { SegmentShelf } from './segment-shelf.ts';

/** Entries with these scopes, as an object of the feed and as a head names it. */
async function segmentOf(scopes: readonly number[]) {
  const bytes = encodeEntries(
    scopes.map((high) => ({ scopeId: { high, low: high }, boundSeconds: 7 })),
  );
  const reference = {
    hash: await objectHash(bytes),
    entryCount: scopes.length,
    expiresAtSeconds: unixSeconds(2_000_000_000),
  };
  return { bytes, reference };
}

test('a segment that another pass finds a new filter for while its hash is computed is found', async () => {
  const one = await segmentOf([1, 2, 3]);
  const many = await segmentOf(Array.from({ length: 4000 }, (_, at) => 1_000_000 * (at + 1)));
  const shelf = new SegmentShelf();
  shelf.prepareFor([one.reference]);
  const checking = shelf.put(one.reference, one.bytes);
  shelf.prepareFor([one.reference, many.reference]); // More than the first filter has room for.
  expect(await checking).toMatchObject({ ok: true });
  expect(await shelf.put(many.reference, many.bytes)).toMatchObject({ ok: true });
  const runs = shelf.runsOf([one.reference, many.reference]);
  const table = createRevocationTable(runs === undefined ? [] : [runs]);
  for (const high of [1, 2, 3, 1_000_000, 4_000_000_000]) {
    expect(table.boundOf({ high, low: high })).toBe(7);
  }
});

test('a segment that is out of order is not kept', async () => {
  const { bytes } = await segmentOf([1, 2, 3]);
  bytes[3] = 9;
  const reference = { ...(await segmentOf([1, 2, 3])).reference, hash: await objectHash(bytes) };
  const shelf = new SegmentShelf();
  shelf.prepareFor([reference]);
  expect(await shelf.put(reference, bytes)).toEqual(refuse('feed_invalid', { rule: 'entries' }));
  expect(shelf.has(reference)).toBe(false);
  expect(shelf.runsOf([reference])).toBeUndefined();
});
