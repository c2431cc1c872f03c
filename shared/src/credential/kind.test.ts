/** Guarantee: one text is one kind of credential, tried in one order, however it was made up. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CredentialKind, kindOfCredential } from './kind.ts';

const routing = { macaroonPrefixes: ['mc', 'mc_old'] };
const ID = '19G21Z7Wp6RpkdxvWiMm698BqFd8Mmh41odkMsBseeiSYbnZDguWNprkFUcoUw6ZD';
const SUM = '6QyU38S8MHR';

const TABLE: ReadonlyArray<readonly [CredentialKind, string]> = [
  ['jwt', 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln'],
  ['jwt', 'eyJ0.e30.AA'],
  ['macaroon', 'mc_v1_AgELY2FyZGVh'],
  ['macaroon', 'mc_v1_'],
  ['macaroon', 'mc_old_v1_x'],
  // A macaroon prefix wins over the shape of an issued key.
  ['macaroon', `mc_v1_${ID}_${SUM}`],
  ['issued', `ck_v1_${ID}_${SUM}`],
  ['issued', `a_v1_v1_${ID}_${SUM}`],
  ['issued', `_v1__v1_${ID}_${SUM}`],
  // Garbage that resembles an issued key goes to the checksum, never to the imported keys.
  ['issued', `ck_v1_${'1'.repeat(20)}_${'1'.repeat(8)}`],
  ['issued', `ck_v1_${'z'.repeat(66)}_zzzzzzzzzzz`],
  ['issued', `ory_ak_v1_${'2'.repeat(64)}_${'2'.repeat(44)}`],
  ['imported', ''],
  ['imported', 'sk_live_51H8'],
  ['imported', `ck_v1_${ID}`],
  ['imported', `ck_v1_${ID}_`],
  ['imported', `ck_v2_${ID}_${SUM}`],
  ['imported', `CK_V1_${ID}_${SUM}`],
  ['imported', `_v1_${ID}_${SUM}`],
  ['imported', `${'p'.repeat(17)}_v1_${ID}_${SUM}`],
  ['imported', `ck_v1_${ID.replace('G', '0')}_${SUM}`],
  ['imported', `ck_v1_${ID}_${SUM}\n`],
  ['imported', ` ck_v1_${ID}_${SUM}`],
  ['imported', `c-k_v1_${ID}_${SUM}`],
  ['imported', 'eyJ0.e30.'],
  ['imported', 'eyJ0..AA'],
  ['imported', 'eyJ0.e30.AA.AA'],
  ['imported', 'eyJ0.e30.AA\n'],
  ['imported', 'eyJ0.e30.AA='],
  ['imported', 'e30.e30.AA'],
  ['imported', 'mcv1_x'],
  ['imported', 'MC_v1_x'],
  ['imported', ' mc_v1_x'],
  ['imported', '__proto__'],
];

test.each(TABLE)('%s: %j', (kind, text) => {
  expect(kindOfCredential(text, routing)).toBe(kind);
});

test('without a macaroon prefix there are no macaroons', () => {
  expect(kindOfCredential('mc_v1_x', { macaroonPrefixes: [] })).toBe('imported');
  expect(kindOfCredential(`mc_v1_${ID}_${SUM}`, { macaroonPrefixes: [] })).toBe('issued');
});

describe('cost', () => {
  test('long texts that nearly match are answered in one pass', () => {
    const long = 100_000;
    for (const text of [
      `eyJ${'a'.repeat(long)}`,
      `eyJ${'a.'.repeat(long)}`,
      `ck_v1_${'1'.repeat(long)}`,
      `${'a_v1_'.repeat(long)}`,
      `ck_v1_${'1_'.repeat(long)}`,
    ]) {
      expect(kindOfCredential(text, routing)).toBe('imported');
    }
  });

  test('any text has a kind', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        expect(['jwt', 'macaroon', 'issued', 'imported']).toContain(
          kindOfCredential(text, routing),
        );
      }),
    );
  });
});
