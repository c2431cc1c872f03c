/** Guarantee: only the table of docs/revocation.md is revoked by, and everything else is refused. */

import { readFileSync } from 'node:fs';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { REVOCATION_SCOPES } from './revocation.ts';
import { type RevocationWish, readTarget } from './target.ts';

const NOW = 1_800_000_000;
const CLOCK = { nowSeconds: unixSeconds(NOW), clockSkewSeconds: 60 };
const UUID = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
const HEX = 'ab'.repeat(32);
const SUBJECTS = { token: UUID, key: UUID, actor: 'a', tenant: UUID, signing_key: 'k' };

const wishOf = (target: RevocationWish['target'], change: Partial<RevocationWish> = {}) => ({
  target,
  ...(target === 'everything' ? {} : { subject: SUBJECTS[target] }),
  ...change,
});

const ruleOf = (wish: RevocationWish) => {
  const read = readTarget(wish, CLOCK);
  return read.ok ? 'ok' : read.rule;
};

test('the table in docs/revocation.md is the one that decides', () => {
  const url = new URL('../../../docs/revocation.md', import.meta.url);
  const rows = [
    ...readFileSync(url, 'utf8').matchAll(/^\| `([a-z_]+)` \|.+\| `(for_good|cut_off)` \|/gm),
  ];
  const documented = rows.map(([, target = '', extent = '']) => `${target} ${extent}`);
  const possible = REVOCATION_SCOPES.flatMap((target) =>
    (['for_good', 'cut_off'] as const)
      .filter((extent) => readTarget(wishOf(target, { extent }), CLOCK).ok)
      .map((extent) => `${target} ${extent}`),
  );
  expect(documented).toEqual(possible);
});

describe('without an extent', () => {
  test.each([
    ['token', 'for_good'],
    ['key', 'for_good'],
    ['actor', 'at_commit'],
    ['tenant', 'at_commit'],
    ['signing_key', 'for_good'],
    ['everything', 'at_commit'],
  ] as const)('%s means %s', (target, bound) => {
    expect(readTarget(wishOf(target), CLOCK)).toMatchObject({ ok: true, target: { bound } });
  });

  test('a time means a cut-off', () => {
    const wish = wishOf('key', { subject: HEX, cutOffSeconds: unixSeconds(5) });
    const target = { scope: 'key', subject: HEX, bound: 5 };
    expect(readTarget(wish, CLOCK)).toEqual({ ok: true, target });
  });
});

test.each<readonly [Partial<RevocationWish> & Pick<RevocationWish, 'target'>, string]>([
  [{ target: 'token', subject: '' }, 'subject: must be the jti of a token'],
  [{ target: 'token', subject: HEX }, 'subject: must be the jti of a token'],
  [{ target: 'token', subject: `${UUID} ` }, 'subject: must be the jti of a token'],
  [{ target: 'key', subject: HEX.toUpperCase() }, 'subject: must be the id of a key'],
  [{ target: 'key', subject: HEX.slice(1) }, 'subject: must be the id of a key'],
  [{ target: 'actor' }, 'subject: must name an actor'],
  [{ target: 'tenant', subject: HEX }, 'subject: must be the id of a tenant'],
  [
    { target: 'signing_key', subject: 'x'.repeat(129) },
    'subject: must be the kid of a signing key',
  ],
  [{ target: 'everything', subject: UUID }, 'subject: must be absent: everything is meant'],
  [
    { target: 'token', subject: UUID, extent: 'cut_off' },
    'extent: this target is revoked for good only',
  ],
  [
    { target: 'token', subject: UUID, cutOffSeconds: unixSeconds(1) },
    'extent: this target is revoked for good only',
  ],
  [{ target: 'everything', extent: 'for_good' }, 'extent: this target is cut off in time only'],
  [
    { target: 'key', subject: UUID, extent: 'for_good', cutOffSeconds: unixSeconds(1) },
    'cut_off_time: only with a cut-off',
  ],
  [
    { target: 'everything', cutOffSeconds: unixSeconds(NOW + 61) },
    'cut_off_time: lies in the future',
  ],
])('%j is refused: %s', (wish, rule) => {
  expect(ruleOf(wish)).toBe(rule);
});

test('the future begins after the skew', () => {
  expect(ruleOf({ target: 'everything', cutOffSeconds: unixSeconds(NOW + 60) })).toBe('ok');
  expect(ruleOf({ target: 'signing_key', subject: 'x'.repeat(128) })).toBe('ok');
});
