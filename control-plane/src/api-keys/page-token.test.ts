import { randomBytes } from '@cardea/shared/crypto/random';
import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { PAGE_TOKEN_LIFETIME_SECONDS } from '../limits.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { Secret } from '../secret.ts';
import { type Listing, openPageToken, sealPageToken } from './page-token.ts';

const KEY_ID = '2b7e1516-28ae-42a6-abf7-158809cf4f3c';
const LISTING: Listing = { tenantId: 'tenant-1', collection: 'issued_api_keys', filter: '{}' };
const START = 1_800_000_000_000;

async function depsAt(milliseconds: number, ...secrets: [string, ...string[]]) {
  const [current, ...retired] = secrets.map((secret) => new Secret(secret));
  if (current === undefined) throw new TypeError('A secret is needed.');
  return {
    keys: await deriveMasterKeys({ secrets: [current, ...retired] }),
    clock: { now: () => unixMilliseconds(milliseconds) },
    randomBytes,
  };
}

describe('a page token', async () => {
  const deps = await depsAt(START, 'first');
  const token = await sealPageToken(deps, LISTING, KEY_ID);

  test('says where its own listing goes on', async () => {
    expect(await openPageToken(deps, LISTING, token)).toBe(KEY_ID);
  });

  test('shows nothing and repeats nothing', async () => {
    expect(atob(token.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain(KEY_ID.slice(0, 8));
    expect(await sealPageToken(deps, LISTING, KEY_ID)).not.toBe(token);
  });

  test.each([
    ['another tenant', { tenantId: 'tenant-2' }],
    ['another collection', { collection: 'imported_api_keys' }],
    ['another filter', { filter: '{"actorId":"a"}' }],
  ] as const)('is refused for %s', async (_, other) => {
    expect(await openPageToken(deps, { ...LISTING, ...other }, token)).toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['padding', `${token}=`],
    ['one more character', `${token}A`],
    ['one less', token.slice(0, -1)],
    ['too long', 'A'.repeat(5000)],
    ['standard base64', `${token.slice(0, -1)}/`],
  ])('is refused when it is %s', async (_, text) => {
    expect(await openPageToken(deps, LISTING, text)).toBeUndefined();
  });

  test('is refused with any one character changed', async () => {
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, i) + other + token.slice(i + 1);
      expect(await openPageToken(deps, LISTING, changed)).toBeUndefined();
    }
  });

  test('lives until its expiry and no longer', async () => {
    const end = START + PAGE_TOKEN_LIFETIME_SECONDS * 1000;
    expect(await openPageToken(await depsAt(end - 1, 'first'), LISTING, token)).toBe(KEY_ID);
    expect(await openPageToken(await depsAt(end, 'first'), LISTING, token)).toBeUndefined();
  });

  test('outlives a rotation of the master secret, while the old one is kept', async () => {
    const rotated = await depsAt(START, 'second', 'first');
    expect(await openPageToken(rotated, LISTING, token)).toBe(KEY_ID);
    expect(await openPageToken(await depsAt(START, 'second'), LISTING, token)).toBeUndefined();
  });
});
