import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId, type ScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { ApiKey } from '../api-keys/api-key.ts';
import { judgeMinting } from './minting-judgement.ts';
import type { MintingMoment } from './minting-store.ts';
import type { Lineage } from './token-parent.ts';

const NOW = 1_800_000_000;
const SCOPE: ScopeId = { high: 1, low: 1 };
const KID = formatScopeId(await scopeIdOfSigningKey('k'));

const moment = (changes: Partial<MintingMoment> = {}): MintingMoment => ({
  key: { state: 'active' } as ApiKey,
  secretHash: '',
  now: unixMilliseconds(NOW * 1000 + 999),
  bounds: new Map(),
  ...changes,
});
const lineage = (parentIssuedAt?: number): Lineage => ({
  ...{ keyId: 'key', actor: 'a', actorScopeId: '0', ancestorTokenIds: [], scopeIds: [SCOPE] },
  ...(parentIssuedAt === undefined ? {} : { parentIssuedAtSeconds: unixSeconds(parentIssuedAt) }),
});
const bound = (seconds: number, scopeId = formatScopeId(SCOPE)) => ({
  bounds: new Map([[scopeId, seconds]]),
});
const MINT = { kind: 'mint' };

describe('a token may be minted', () => {
  test.each([
    ['without any bound', moment(), lineage()],
    ['in the second after a bound', moment(bound(NOW - 1)), lineage()],
    ['beside a bound of another scope', moment(bound(FOR_GOOD, 'f'.repeat(16))), lineage()],
    ['from a token that is younger than the bound', moment(bound(NOW - 2)), lineage(NOW - 1)],
  ])('%s', async (_, ...given) => expect(await judgeMinting(...given, 'k')).toEqual(MINT));
});

describe('no token is minted', () => {
  const expired = { state: 'active', expireTime: unixMilliseconds(NOW * 1000 + 999) } as ApiKey;

  test.each([
    ['from a revoked key', { key: { state: 'revoked' } as ApiKey }, 'api_key_revoked'],
    ['from a key in its last millisecond', { key: expired }, 'api_key_expired'],
    ['in a scope that is revoked for good', bound(FOR_GOOD), 'token_revoked'],
  ])('%s', async (_, changes, reason) => {
    expect(await judgeMinting(moment(changes), lineage(), 'k')).toEqual({ kind: 'refuse', reason });
  });

  test('from a token that a bound has covered since it was verified', async () => {
    const judgement = await judgeMinting(moment(bound(NOW - 1)), lineage(NOW - 1), 'k');
    expect(judgement).toEqual({ kind: 'refuse', reason: 'token_revoked' });
  });

  test.each([
    ['its scope', bound(NOW), NOW],
    ['its scope, ahead of the clock', bound(NOW + 9), NOW + 9],
    ['the signing key', bound(NOW, KID), NOW],
  ])('before the bound of %s is past', async (_, changes, boundSeconds) => {
    const judgement = await judgeMinting(moment(changes), lineage(), 'k');
    expect(judgement).toEqual({ kind: 'wait', boundSeconds });
  });

  test.each([
    ['without a signing key', {}, undefined],
    ['with a revoked signing key', bound(FOR_GOOD, KID), 'k'],
  ])('%s', async (_, changes, kid) => {
    const judgement = await judgeMinting(moment(changes), lineage(), kid);
    expect(judgement).toEqual({ kind: 'no_signing_key' });
  });
});
