import { FEED_SEGMENTS_MAX } from '@cardea/shared/limits';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { chooseSegments, FeedFull, referencesTo } from './choose-segments.ts';
import {
  bucketOf,
  bucketSecondsOf,
  planSegmentStep,
  SEGMENT_LIMITS,
  type SegmentRules,
  type StoredSegment,
  superseded,
} from './plan-segments.ts';

const DAY_SECONDS = 24 * 60 * 60;
const STAMP = unixMilliseconds(1_800_000_000_000);
const NOW_SECONDS = STAMP / 1000;
const RULES: SegmentRules = {
  stamp: STAMP,
  clockSkewSeconds: 60,
  arrivalMilliseconds: 120_000,
  limits: SEGMENT_LIMITS,
  bucketSeconds: bucketSecondsOf(DAY_SECONDS),
};

const ARRIVED = { writtenAt: unixMilliseconds(STAMP - 120_000) };
const ON_ITS_WAY = { writtenAt: unixMilliseconds(STAMP - 119_999) };

function segment(segmentId: number, changes: Partial<StoredSegment> = ARRIVED): StoredSegment {
  return {
    segmentId,
    hash: String(segmentId),
    entryCount: 3000,
    expiresAtSeconds: unixSeconds(NOW_SECONDS + 100),
    ...changes,
  };
}

const several = (count: number, changes: Partial<StoredSegment> = ARRIVED) =>
  Array.from({ length: count }, (_, index) => segment(index + 1, changes));
const tail = (...entryCounts: number[]) =>
  entryCounts.map((entryCount, bucket) => ({ bucket, entryCount }));
const idsOf = (segments: readonly StoredSegment[]) => segments.map(({ segmentId }) => segmentId);

describe('the next step', () => {
  type Tail = ReturnType<typeof tail>;
  test.each<[string, StoredSegment[], Tail, object | undefined]>([
    ['nothing while the tail is short', [], tail(2048), undefined],
    ['a flush of the fullest bucket', [], tail(1000, 1500, 700), { bucket: 1, isUrgent: false }],
    ['no flush while four are under way', several(4, {}), tail(5000), undefined],
    ['a flush when they have arrived', several(3), tail(5000), { isUrgent: false }],
    ['an urgent flush of a tail that gets long', several(4, {}), tail(40_000), { isUrgent: true }],
    ['no merge of three of a size', several(3), tail(0), undefined],
    ['no merge of what has not arrived', several(4, ON_ITS_WAY), tail(0), undefined],
    ['a merge of four of a size', several(4), tail(5000), { kind: 'merge', isUrgent: false }],
    [
      'no merge of four that are full',
      several(4, { ...ARRIVED, entryCount: 100_000 }),
      tail(0),
      undefined,
    ],
    [
      'an urgent merge when a long tail finds no place',
      several(32, {}),
      tail(70_000),
      { kind: 'merge', isUrgent: true },
    ],
  ])('is %s', (_, ...[segments, buckets, outcome]) => {
    const planned = planSegmentStep({ segments, tail: buckets }, RULES);
    if (outcome === undefined) expect(planned).toBeUndefined();
    else expect(planned).toMatchObject(outcome);
  });

  test('merges as many as fit into one, the smallest first', () => {
    const segments = several(4).map((one, index) => ({ ...one, entryCount: 50_000 - index }));
    const step = planSegmentStep({ segments, tail: [] }, RULES);
    expect(step?.kind === 'merge' && idsOf(step.sources)).toEqual([4, 3, 2]);
  });

  test('merges what is crowded in one bucket whatever its sizes, and then what is in several', () => {
    const spread = (bucket: number) =>
      unixSeconds((bucketOf(NOW_SECONDS, RULES.bucketSeconds) + bucket + 1) * RULES.bucketSeconds);
    const sizes = [3000, 10_000, 40_000];
    const crowded = several(25).map((one, index) => {
      const bucket = index < 3 ? 0 : index;
      return { ...one, entryCount: sizes[index % 3] ?? 0, expiresAtSeconds: spread(bucket) };
    });
    const step = planSegmentStep({ segments: crowded, tail: [] }, RULES);
    expect(step?.kind === 'merge' && idsOf(step.sources)).toEqual([1, 2, 3]);
    const alone = several(29).map((one, index) => ({ ...one, expiresAtSeconds: spread(index) }));
    expect(planSegmentStep({ segments: alone.slice(1), tail: [] }, RULES)).toBeUndefined();
    expect(planSegmentStep({ segments: alone, tail: [] }, RULES)?.kind).toBe('merge');
  });
});

describe('segments that no head names any more', () => {
  const merged = (changes: Partial<StoredSegment>) => [
    segment(1, { ...ARRIVED, mergedInto: 3 }),
    segment(2, { ...ARRIVED, mergedInto: 3 }),
    segment(3, changes),
  ];

  test.each([
    ['sources of one that has arrived', merged(ARRIVED), [1, 2]],
    ['no sources of one on its way', merged(ON_ITS_WAY), []],
    ['no sources of one that is not written', merged({}), []],
    ['sources of sources', [...merged({ mergedInto: 4 }), segment(4)], [1, 2, 3]],
    ['sources of one that is gone', merged(ARRIVED).slice(0, 2), [1, 2]],
    ['what is over', [segment(1, { expiresAtSeconds: unixSeconds(NOW_SECONDS - 61) })], [1]],
    [
      'not what is over by less than the skew',
      [segment(1, { expiresAtSeconds: unixSeconds(NOW_SECONDS - 60) })],
      [],
    ],
  ])('are %s', (_, segments, ids) => {
    expect(idsOf(superseded(segments, RULES))).toEqual(ids);
  });
});

describe('a head', () => {
  const choose = (segments: readonly StoredSegment[], tailCount = 0, rules = RULES) => {
    const { named, inline } = chooseSegments(segments, tailCount, rules);
    return { named: idsOf(named), inline: idsOf(inline) };
  };
  const parts = [
    segment(1, { ...ARRIVED, mergedInto: 3 }),
    segment(2, { ...ON_ITS_WAY, mergedInto: 3 }),
  ];

  test.each([
    ['names what has arrived', [segment(1)], { named: [1], inline: [] }],
    ['carries what is on its way', [segment(1, ON_ITS_WAY)], { named: [], inline: [1] }],
    ['carries what is not written', [segment(1, {})], { named: [], inline: [1] }],
    [
      'names sources until what they became has arrived',
      [...parts, segment(3, {})],
      { named: [1], inline: [2] },
    ],
    ['names what they became then', [...parts, segment(3)], { named: [3], inline: [] }],
    [
      'leaves out what is over',
      [segment(1, { expiresAtSeconds: unixSeconds(NOW_SECONDS - 61) })],
      { named: [], inline: [] },
    ],
    [
      'names a part of what is gone',
      [segment(1, { ...ARRIVED, mergedInto: 9 })],
      { named: [1], inline: [] },
    ],
  ])('%s', (_, segments, choice) => {
    expect(choose(segments)).toEqual(choice);
  });

  test('names everything at once where nobody reads a store', () => {
    const rules = { ...RULES, arrivalMilliseconds: 0 };
    expect(choose([...parts, segment(3, {})], 0, rules)).toEqual({ named: [3], inline: [] });
  });

  test('names early what has no room in it, the largest first', () => {
    const segments = [segment(1, {}), segment(2, { entryCount: 5000 })];
    expect(choose(segments, 60_000)).toEqual({ named: [2], inline: [1] });
    expect(choose(segments, 64_000)).toEqual({ named: [1, 2], inline: [] });
    expect(choose(segments, 57_000)).toEqual({ named: [], inline: [1, 2] });
  });

  test('names early what was merged, rather than more segments than edges read', () => {
    const sources = several(33, { ...ARRIVED, mergedInto: 40 });
    const { named } = choose([...sources, segment(40, {})]);
    expect(named).toEqual([40]);
  });

  test.each([
    ['more segments than edges read', several(33)],
    ['more entries than edges read', several(13, { ...ARRIVED, entryCount: 160_000 })],
  ])('is none with %s', (_, segments) => {
    expect(() => choose(segments)).toThrow(FeedFull);
    expect(choose(segments.slice(1)).named).toHaveLength(segments.length - 1);
  });

  test('names an object once, until the later of its ends', () => {
    const twice = [segment(1), { ...segment(2), hash: '1' }];
    const late = { ...twice[1], expiresAtSeconds: unixSeconds(NOW_SECONDS + 200) };
    expect(referencesTo([late as StoredSegment, ...twice])).toEqual([
      { hash: '1', entryCount: 3000, expiresAtSeconds: NOW_SECONDS + 200 },
    ]);
  });
});

interface Flow {
  readonly perSecond: number;
  readonly publishEverySeconds: number;
}

/** Two days of revocations that live for one, a publication every `publishEverySeconds`: sizes alone. */
function runFor({ perSecond, publishEverySeconds }: Flow) {
  let [segments, ids, made, written]: [StoredSegment[], number, number, number] = [[], 0, 0, 0];
  let waiting = new Map<number, number>();
  const most = { named: 0, tail: 0, entries: 0, objects: 0 };
  const add = (entryCount: number, expiresAtSeconds: number, rules: SegmentRules) => {
    const known = { hash: String(++ids), segmentId: ids, entryCount };
    const end = unixSeconds(expiresAtSeconds);
    segments.push({ ...known, expiresAtSeconds: end, writtenAt: rules.stamp });
    written += entryCount;
    return ids;
  };
  for (let second = 0; second < 2 * DAY_SECONDS; second += publishEverySeconds) {
    const rules = { ...RULES, stamp: unixMilliseconds(STAMP + second * 1000) };
    const end = NOW_SECONDS + second + DAY_SECONDS;
    const bucket = bucketOf(end, rules.bucketSeconds);
    waiting.set(bucket, (waiting.get(bucket) ?? 0) + perSecond * publishEverySeconds);
    made += perSecond * publishEverySeconds;
    const before = ids;
    for (let steps = 0; ; steps++) {
      const gone = new Set(superseded(segments, rules));
      segments = segments.filter((one) => !gone.has(one));
      const buckets = [...waiting].map(([number, entryCount]) => ({ bucket: number, entryCount }));
      const step = planSegmentStep({ segments, tail: buckets }, rules);
      if (step === undefined || (steps > 0 && !step.isUrgent)) break;
      if (step.kind === 'flush') {
        const taken = Math.min(waiting.get(step.bucket) ?? 0, SEGMENT_LIMITS.flushMax);
        waiting.set(step.bucket, (waiting.get(step.bucket) ?? 0) - taken);
        const bucketEnd = (step.bucket + 1) * rules.bucketSeconds - 1;
        add(taken, Math.min(end, bucketEnd), rules);
      } else {
        const ends = step.sources.map(({ expiresAtSeconds }) => expiresAtSeconds);
        const count = step.sources.reduce((sum, { entryCount }) => sum + entryCount, 0);
        const mergedInto = add(count, Math.max(...ends), rules);
        segments = segments.map((one) =>
          step.sources.includes(one) ? { ...one, mergedInto } : one,
        );
      }
    }
    waiting = new Map([...waiting].filter(([, count]) => count > 0));
    const tailCount = [...waiting.values()].reduce((sum, count) => sum + count, 0);
    const { named, inline } = chooseSegments(segments, tailCount, rules);
    const sum = (some: readonly StoredSegment[]) =>
      some.reduce((total, { entryCount }) => total + entryCount, 0);
    most.named = Math.max(most.named, referencesTo(named).length);
    most.tail = Math.max(most.tail, tailCount + sum(inline));
    most.entries = Math.max(most.entries, sum(named) + sum(inline) + tailCount);
    most.objects = Math.max(most.objects, ids - before);
  }
  return { ...most, amplification: written / made };
}

test.each([
  // One a second; ten; what makes a million live entries; all of it in heartbeats; and 100 a second.
  ['86,400 live entries', { perSecond: 1, publishEverySeconds: 30 }, 4200],
  ['864,000 live entries', { perSecond: 10, publishEverySeconds: 5 }, 5000],
  ['a million live entries', { perSecond: 11.6, publishEverySeconds: 5 }, 6000],
  ['a million live entries, in heartbeats', { perSecond: 11.6, publishEverySeconds: 30 }, 6000],
])(
  'two days of %s keep few segments, a short tail and rewrite an entry a few times',
  (_, flow, tailMost) => {
    const { amplification, entries, named, objects, tail: longest } = runFor(flow);
    const live = flow.perSecond * DAY_SECONDS;
    expect(named).toBeLessThanOrEqual(FEED_SEGMENTS_MAX);
    expect(longest).toBeLessThanOrEqual(tailMost);
    expect(amplification).toBeLessThanOrEqual(5);
    expect(objects).toBe(1);
    // What is over stays until the end of its segment: a sixth at the most.
    expect(entries).toBeLessThanOrEqual(live * (1 + 1 / 6) + 6000);
  },
  60_000,
);
