import { describe, expect, test } from 'vitest';
import { concatBytes } from '../bytes/framing.ts';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { encodeEntries } from './entry.ts';
import { encodeHeadPayload, parseHeadPayload } from './head.ts';
import { filteredEntries } from './revocation-table.ts';
import { entry, headOf, unsignedHeadOf } from './testing/feed-fixture.ts';

const HASH = 'ab'.repeat(32);
const FULL = headOf({
  keysetHash: HASH,
  segments: [
    { hash: 'cd'.repeat(32), entryCount: 3, expiresAtSeconds: unixSeconds(1_700_003_600) },
    { hash: 'ef'.repeat(32), entryCount: 1, expiresAtSeconds: unixSeconds(1_700_007_200) },
  ],
  tail: [entry(0, 0, 1_699_999_999), entry(0x01020304, 0x05060708)],
  auditSeal: 'v1.seal',
});
const FULL_JSON =
  '{"v":1,"env":"test","seq":1700000000000,"iat":1700000000,' +
  `"keyset":"${HASH}","segments":[` +
  `{"hash":"${'cd'.repeat(32)}","count":3,"exp":1700003600},` +
  `{"hash":"${'ef'.repeat(32)}","count":1,"exp":1700007200}],` +
  '"tail":"AAAAAAAAAABlU_D_AQIDBAUGBwj_____","audit_seal":"v1.seal"}';

const changed = (changes: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(FULL_JSON), ...changes });

describe('the payload of a head', () => {
  test('is exactly this text', () => {
    expect(encodeHeadPayload(unsignedHeadOf(FULL))).toBe(FULL_JSON);
  });

  test('is not made of a tail that no edge accepts', () => {
    const tail = encodeEntries([entry(1, 1), entry(2, 2)]);
    for (const wrong of [tail.subarray(1), tail.toReversed(), concatBytes(tail, tail)]) {
      const head = { ...headOf(), tail: wrong };
      expect(() => encodeHeadPayload(head)).toThrow(RangeError);
    }
  });

  test('is read back as it was written, with and without what is optional', () => {
    for (const [json, head] of [
      [FULL_JSON, FULL],
      [encodeHeadPayload(unsignedHeadOf(headOf())), headOf()],
    ] as const) {
      const read = parseHeadPayload(json);
      const tailRows = filteredEntries(head.tail);
      expect(read).toEqual({ ok: true, value: { ...head, tailRows } });
      expect(read.ok && read.value.tail).toBe(read.ok && read.value.tail);
    }
  });

  test('may have members that this version does not know', () => {
    expect(parseHeadPayload(changed({ later: { any: ['thing'] } }))).toMatchObject({ ok: true });
  });

  test.each([
    ['another version', { v: 2 }],
    ['no version', { v: undefined }],
    ['a version of another type', { v: '1' }],
  ])('is refused: %s', (_, changes) => {
    const outcome = parseHeadPayload(changed(changes));
    expect(outcome).toEqual(refuse('feed_invalid', { rule: 'head_version' }));
  });

  const segment = { hash: HASH, count: 1, exp: 1 };
  test.each([
    ['no environment', { env: undefined }],
    ['an empty environment', { env: '' }],
    ['an environment with a space', { env: 'a b' }],
    ['a long environment', { env: 'e'.repeat(65) }],
    ['seq as text', { seq: '1700000000000' }],
    ['seq beyond safe integers', { seq: 2 ** 53 }],
    ['a negative seq', { seq: -1 }],
    ['a fraction in iat', { iat: 1.5 }],
    ['no iat', { iat: undefined }],
    ['iat null', { iat: null }],
    ['a short keyset hash', { keyset: HASH.slice(2) }],
    ['an uppercase keyset hash', { keyset: HASH.toUpperCase() }],
    ['a keyset hash that climbs', { keyset: `../${HASH.slice(3)}` }],
    ['no segments', { segments: undefined }],
    ['segments as an object', { segments: {} }],
    ['a segment null', { segments: [null] }],
    ['a segment with a bad hash', { segments: [{ ...segment, hash: 'x' }] }],
    ['an empty segment', { segments: [{ ...segment, count: 0 }] }],
    ['a segment without expiry', { segments: [{ hash: HASH, count: 1 }] }],
    ['the same segment twice', { segments: [segment, segment] }],
    [
      'more segments than allowed',
      {
        segments: Array.from({ length: 33 }, (_, i) => ({
          ...segment,
          hash: `${10 + i}`.repeat(32),
        })),
      },
    ],
    ['more entries than allowed', { segments: [{ ...segment, count: 2_000_001 }] }],
    ['no tail', { tail: undefined }],
    ['a tail with padding', { tail: 'AAAAAAAAAABlU_D_AQIDBAUGBwj_____=' }],
    ['a tail in plain base64', { tail: 'AAAAAAAAAABlU/D/' }],
    ['a seal of another type', { audit_seal: 7 }],
    ['an empty seal', { audit_seal: '' }],
    ['a long seal', { audit_seal: 's'.repeat(513) }],
  ])('is refused: %s', (_, changes) => {
    const outcome = parseHeadPayload(changed(changes));
    expect(outcome).toEqual(refuse('feed_invalid', { rule: 'head_payload' }));
  });

  test.each([
    ['half an entry', { tail: 'AAAAAAAA' }],
    ['unsorted entries', { tail: 'AQIDBAUGBwj_____AAAAAAAAAABlU_D_' }],
  ])('is refused: %s in the tail', (_, changes) => {
    const outcome = parseHeadPayload(changed(changes));
    expect(outcome).toEqual(refuse('feed_invalid', { rule: 'entries' }));
  });

  test.each([
    ['no JSON', '{"v":1'],
    ['an array', '[1]'],
    ['nothing', ''],
    ['a duplicate member', FULL_JSON.replace('{"v":1,', '{"v":1,"seq":1,')],
    ['members of the prototype', '{"v":1,"__proto__":{"env":"test"}}'],
  ])('is refused: %s', (_, json) => {
    const outcome = parseHeadPayload(json);
    expect(outcome).toEqual(refuse('feed_invalid', { rule: 'head_payload' }));
  });
});
