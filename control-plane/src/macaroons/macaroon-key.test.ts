/** Guarantee: which macaroon keys there are follows from the clock, the root and what was replaced. */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { importSecretRoot } from '@cardea/shared/crypto/derive-secret';
import { describe, expect, test } from 'vitest';
import { epochsInUse } from './epochs.ts';
import {
  createKeyDeriver,
  type MacaroonKey,
  macaroonKeysOf,
  macaroonKeyTimes,
  mintingKey,
} from './macaroon-key.ts';
import type { ReplacedKey } from './replaced-keys.ts';

const DAY = 24 * 60 * 60;
const WEEK = 7 * DAY;
const TIMES = macaroonKeyTimes({
  ...{ macaroonEpochSeconds: WEEK, feedHardSeconds: 120, clockSkewSeconds: 60 },
  ...{ derivedTokenTtlMaxSeconds: DAY, feedHeartbeatSeconds: 30 },
});
/** Heartbeat, a keyset's arrival, and the bound. */
const NOTICE = 30 + 120 + 180;
/** The beginning of an epoch. */
const START = 2900 * WEEK;
const HOLDER = { tenantId: 't', issuer: 'https://i.example', audience: 'a' };

const root = importSecretRoot(new Uint8Array(32).fill(7));
const derive = createKeyDeriver(() => root);
const keysAt = (nowSeconds: number, replaced: readonly ReplacedKey[] = [], holder = HOLDER) =>
  macaroonKeysOf(derive, holder, { nowSeconds, replaced, times: TIMES });
const replacedAt = ({ epoch, generation, kid }: MacaroonKey, replacedAtSeconds: number) => ({
  ...{ tenantId: 't', audience: 'a', epoch, generation, kid },
  ...{ replacedAtSeconds, expiresAtSeconds: 0 },
});
const kidsOf = (keys: readonly MacaroonKey[]) => keys.map(({ kid }) => kid);

describe('the epochs in use', () => {
  test.each([
    ['in the middle', START + 3 * DAY, [0]],
    ['as soon as the next is near', START + WEEK - 3600, [0, 1]],
    ['not before', START + WEEK - 3601, [0]],
    ['while tokens of the one before live', START + DAY + 59, [-1, 0]],
    ['no longer', START + DAY + 60, [0]],
  ])('%s', (_, now, places) => {
    const starts = epochsInUse(now, TIMES).map(({ startSeconds }) => startSeconds);
    expect(starts).toEqual(places.map((place) => START + place * WEEK));
  });

  test('are several where they are shorter than what tokens live', () => {
    const times = { epochSeconds: 100, leadSeconds: 150, livesSeconds: 250 };
    const starts = epochsInUse(1000, times).map(({ startSeconds }) => startSeconds);
    expect(starts).toEqual([700, 800, 900, 1000, 1100]);
  });
});

describe('a key', () => {
  test('mints in its epoch, and verifies until its last token has ended', async () => {
    const [key] = await keysAt(START + 3 * DAY);
    expect(key).toMatchObject({
      ...HOLDER,
      kid: expect.stringMatching(/^mk_[\w-]{22}$/),
      epoch: { startSeconds: START, lengthSeconds: WEEK },
      ...{ generation: 0, mintsFromSeconds: START, notBeforeSeconds: START - 60 },
      notAfterSeconds: START + WEEK + DAY + 60,
    });
    expect(key?.rootKey).toHaveLength(32);
  });

  test('is published a whole hour before its epoch begins, and only then mints', async () => {
    const before = await keysAt(START - 3600);
    const after = await keysAt(START);
    expect(before).toEqual(after);
    const [old, next] = before;
    const named = { audience: 'a' };
    expect(mintingKey(before, { ...named, nowSeconds: START - 1 })).toBe(old);
    expect(mintingKey(before, { ...named, nowSeconds: START })).toBe(next);
    expect(mintingKey(before, { audience: 'b', nowSeconds: START })).toBeUndefined();
    expect(mintingKey(before, { ...named, nowSeconds: START + WEEK })).toBeUndefined();
  });

  test('of another tenant, audience, epoch, length or generation, or root is another key', async () => {
    const now = START + 3 * DAY;
    const [key] = await keysAt(now);
    if (key === undefined) throw new Error('There is no key.');
    const others = [
      ...(await keysAt(now, [], { ...HOLDER, tenantId: 'u' })),
      ...(await keysAt(now, [], { ...HOLDER, audience: 'b' })),
      // What would be the same if parts were only put one behind the other.
      ...(await keysAt(now, [], { ...HOLDER, tenantId: 'ta', audience: '' })),
      ...(await keysAt(now + WEEK)),
      ...(await keysAt(now, [replacedAt(key, now)])),
      ...(await macaroonKeysOf(derive, HOLDER, {
        ...{ nowSeconds: now, replaced: [] },
        times: { ...TIMES, epochSeconds: WEEK / 2 },
      })),
      ...(await macaroonKeysOf(
        createKeyDeriver(async () => importSecretRoot(new Uint8Array(32).fill(8))),
        HOLDER,
        { nowSeconds: now, replaced: [], times: TIMES },
      )),
    ];
    expect(others).toHaveLength(7);
    const all = [key, ...others];
    expect(new Set(kidsOf(all)).size).toBe(8);
    expect(new Set(all.map(({ rootKey }) => rootKey.join())).size).toBe(8);
  });

  test('is the same wherever it is derived, whatever the issuer is called', async () => {
    const [key] = await keysAt(START);
    const elsewhere = createKeyDeriver(async () => importSecretRoot(new Uint8Array(32).fill(7)));
    const asked = { nowSeconds: START, replaced: [], times: TIMES };
    const [same] = await macaroonKeysOf(elsewhere, { ...HOLDER, issuer: 'x' }, asked);
    expect(same).toEqual({ ...key, issuer: 'x' });
  });

  // A format: a deployment that is updated must find the keys of its living tokens.
  test('is derived as ever', async () => {
    const [key] = await keysAt(START + 3 * DAY);
    expect(key?.kid).toBe('mk_2vpKRb2XBa6PIi5DN5iO8Q');
    expect(encodeHex(key?.rootKey ?? new Uint8Array(0))).toBe(
      '4f38204ad2361e46ccb34f19ab3d63fd2f3e8c225869ff98a1210a7c12d7550f',
    );
  });
});

describe('a replaced key', () => {
  const now = START + 3 * DAY;

  test('gives way to the next generation, which waits until every edge must know it', async () => {
    const [leaked] = await keysAt(now);
    if (leaked === undefined) throw new Error('There is no key.');
    const replaced = [replacedAt(leaked, now)];
    const [heir, ...more] = await keysAt(now, replaced);
    expect(more).toEqual([]);
    expect(heir).toMatchObject({ generation: 1, mintsFromSeconds: now + NOTICE });
    // An edge whose clock is behind by the skew takes the first token.
    expect(heir?.notBeforeSeconds).toBe(now + NOTICE - 60);
    expect(heir?.notAfterSeconds).toBe(leaked.notAfterSeconds);
    const keys = await keysAt(now + NOTICE, replaced);
    expect(mintingKey(keys, { audience: 'a', nowSeconds: now + NOTICE - 1 })).toBeUndefined();
    expect(mintingKey(keys, { audience: 'a', nowSeconds: now + NOTICE })?.generation).toBe(1);
  });

  test('may be replaced again, and none of them comes back', async () => {
    const [first] = await keysAt(now);
    if (first === undefined) throw new Error('There is no key.');
    const [second] = await keysAt(now, [replacedAt(first, now)]);
    if (second === undefined) throw new Error('There is no key.');
    const rows = [replacedAt(second, now + 10), replacedAt(first, now)];
    const [third] = await keysAt(now + 20, rows);
    expect(third).toMatchObject({ generation: 2, mintsFromSeconds: now + 10 + NOTICE });
    // A row that got lost in between does not bring back the other.
    expect(await keysAt(now + 20, rows.slice(0, 1))).toEqual([third]);
  });

  test('of one epoch, audience or tenant leaves the others alone', async () => {
    const [key] = await keysAt(now);
    if (key === undefined) throw new Error('There is no key.');
    const row = replacedAt(key, now);
    for (const other of [
      { ...row, tenantId: 'u' },
      { ...row, audience: 'b' },
      { ...row, epoch: { ...row.epoch, startSeconds: START - WEEK } },
      { ...row, epoch: { ...row.epoch, lengthSeconds: DAY } },
    ]) {
      expect(kidsOf(await keysAt(now, [other]))).toEqual([key.kid]);
    }
    expect(kidsOf(await keysAt(now, [row]))).not.toContain(key.kid);
  });

  test('has no heir in an epoch that ends before anybody could know it', async () => {
    const late = START + WEEK - NOTICE + 1;
    const [key, next] = await keysAt(late);
    if (key === undefined) throw new Error('There is no key.');
    expect(await keysAt(late, [replacedAt(key, late)])).toEqual([next]);
    expect(await keysAt(late - 2, [replacedAt(key, late - 2)])).toHaveLength(2);
  });
});
