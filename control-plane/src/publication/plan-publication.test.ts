import { encodeEntries } from '@cardea/shared/feed/entry';
import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import {
  completeHead,
  KEYSET_REFRESH_MILLISECONDS,
  nextSeq,
  OBJECT_ARRIVAL_MILLISECONDS,
  type PublicationState,
  planPublication,
} from './plan-publication.ts';
import { SEGMENT_LIMITS } from './segments/plan-segments.ts';

const at = unixMilliseconds;
const STAMP = at(1_800_000_000_999);
const TAIL = encodeEntries([{ scopeId: { high: 1, low: 2 }, boundSeconds: 7 }]);
const FRESH = { firstWrittenAt: at(STAMP - 1000), lastWrittenAt: at(STAMP - 1000) };
const ARRIVED = {
  firstWrittenAt: at(STAMP - OBJECT_ARRIVAL_MILLISECONDS),
  lastWrittenAt: at(STAMP - 1000),
};

const state = (changes: Partial<PublicationState> = {}): PublicationState => ({
  environmentId: 'test',
  seq: STAMP,
  tail: TAIL,
  segments: [],
  keysets: [{ hash: 'a', ...ARRIVED }],
  reliedKeysetHash: 'a',
  ...changes,
});

const RULES = {
  stamp: STAMP,
  clockSkewSeconds: 60,
  arrivalMilliseconds: OBJECT_ARRIVAL_MILLISECONDS,
  limits: SEGMENT_LIMITS,
};

function headOf(given: PublicationState) {
  const plan = planPublication(given, RULES);
  return plan === undefined ? undefined : completeHead(plan, new Map());
}

describe('the head', () => {
  test('carries the whole live set, stamped with the second that had begun', () => {
    expect(headOf(state())).toEqual({
      environmentId: 'test',
      seq: STAMP,
      issuedAtSeconds: 1_800_000_000,
      keysetHash: 'a',
      segments: [],
      tail: TAIL,
    });
  });

  test.each([
    ['the stamp, as a rule', 0, STAMP],
    ['one more, within the same millisecond', STAMP, STAMP + 1],
    ['one more, when the clock went back', STAMP + 5000, STAMP + 5001],
  ])('has as its sequence number %s', (_, lastSeq, seq) => {
    expect(nextSeq(lastSeq, STAMP)).toBe(seq);
    expect(headOf(state({ seq }))?.seq).toBe(seq);
  });

  test('carries the newest seal of the audit log, if there is one', () => {
    expect(headOf(state({ auditSeal: '7.seal' }))?.auditSeal).toBe('7.seal');
    expect(headOf(state())).not.toHaveProperty('auditSeal');
  });

  test('is none while there is no keyset', () => {
    expect(planPublication(state({ keysets: [] }), RULES)).toBeUndefined();
  });
});

describe('the keyset', () => {
  const { reliedKeysetHash: _, ...first } = state({ keysets: [{ hash: 'a' }] });

  test.each<[string, PublicationState, string, string[]]>([
    ['the first one at once', first, 'a', ['a']],
    ['the old one until the new one is written', two({}), 'a', ['b']],
    ['the old one until the new one has arrived', two(FRESH), 'a', []],
    ['the new one once it has arrived', two(ARRIVED), 'b', []],
    ['the newest, should the old one be lost', { ...two({}), reliedKeysetHash: 'x' }, 'b', ['b']],
    ['one in use again after a day', two(outdated()), 'b', ['b']],
  ])('is %s', (_, ...[given, keysetHash, written]) => {
    const plan = planPublication(given, RULES);
    expect(plan?.headWithoutInline.keysetHash).toBe(keysetHash);
    expect(plan?.keysetsToWrite).toEqual(written);
  });

  test('is the newest at once where nobody reads a store', () => {
    const plan = planPublication(two({}), { ...RULES, arrivalMilliseconds: 0 });
    expect(plan?.headWithoutInline.keysetHash).toBe('b');
  });

  test('that nothing names any more is not written again', () => {
    const old = { hash: 'a', ...outdated() };
    const keysets = [old, { hash: 'b', ...ARRIVED }];
    const plan = planPublication(state({ keysets, reliedKeysetHash: 'b' }), RULES);
    expect(plan?.keysetsToWrite).toEqual([]);
  });
});

function two(newest: object): PublicationState {
  return state({
    keysets: [
      { hash: 'a', ...ARRIVED },
      { hash: 'b', ...newest },
    ],
  });
}

function outdated() {
  const writtenAt = at(STAMP - KEYSET_REFRESH_MILLISECONDS);
  return { firstWrittenAt: writtenAt, lastWrittenAt: writtenAt };
}
