/** Guarantee: what edges say is gathered, bounded and written now and then, and no header harms anybody. */

import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { createEdgeSightings, type EdgeSighting } from './edge-sightings.ts';

function sightings({ isDown = false } = {}) {
  const clock = { at: 1_000_000, now: () => unixMilliseconds(clock.at) };
  const notes: Array<readonly EdgeSighting[]> = [];
  const logged: string[] = [];
  const background: Array<Promise<void>> = [];
  const seen = createEdgeSightings({
    store: {
      async note(some) {
        if (isDown) throw new TypeError('away');
        notes.push(some);
      },
      list: async () => notes.flat(),
    },
    inBackground: (work) => background.push(work),
    clock,
    log: (_level, event) => logged.push(event),
  });
  const settled = () => Promise.all(background);
  return { ...seen, clock, notes, logged, settled };
}

test('the first is written at once, the next ones together ten seconds later', async () => {
  const { seen, clock, notes, settled } = sightings();
  seen('eu-1; seq=7');
  clock.at += 1000;
  for (const header of ['eu-1; seq=9', 'eu-1; seq=8', 'us-1; seq=5']) seen(header);
  await settled();
  expect(notes).toEqual([[{ edge: 'eu-1', seq: 7, seenAt: 1_000_000 }]]);
  clock.at += 9000;
  seen('us-1; seq=6');
  await settled();
  // Of several isolates the one that is furthest behind.
  expect(notes[1]).toEqual([
    { edge: 'eu-1', seq: 8, seenAt: 1_001_000 },
    { edge: 'us-1', seq: 5, seenAt: 1_010_000 },
  ]);
});

test.each([
  null,
  '',
  'eu-1',
  'eu-1;seq=1',
  'eu-1; seq=',
  'eu-1; seq=-1',
  'eu-1; seq=1.5',
  'eu-1; seq=1e3',
  `eu-1; seq=${'9'.repeat(16)}`,
  'eu-1; seq=1; seq=2',
  'eu 1; seq=1',
  '<b>; seq=1',
  "x'--; seq=1",
  '; seq=1',
  `${'x'.repeat(65)}; seq=1`,
  'é; seq=1',
])('%j is no sighting', async (header) => {
  const { seen, notes, settled } = sightings();
  seen(header);
  await settled();
  expect(notes).toEqual([]);
});

test('whoever invents names fills a bounded memory', async () => {
  const { seen, clock, notes, settled } = sightings();
  for (let i = 0; i < 5000; i++) seen(`n${i}; seq=1`);
  clock.at += 10_000;
  seen('n1; seq=1');
  await settled();
  expect(notes.map((some) => some.length)).toEqual([1, 200]);
});

test('a storage that is away is no reason to refuse anybody', async () => {
  const { seen, logged, settled } = sightings({ isDown: true });
  seen('eu-1; seq=7');
  await settled();
  expect(logged).toEqual(['edge_sightings_not_written']);
});
