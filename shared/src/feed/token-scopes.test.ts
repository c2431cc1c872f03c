import { describe, expect, test } from 'vitest';
import type { VerifiedClaims } from '../jwt/claims.ts';
import { refuse } from '../result.ts';
import { DEFAULT_TENANT_ID } from '../tenant.ts';
import { unixSeconds } from '../time.ts';
import { EVERYTHING, formatScopeId } from './scope-id.ts';
import { tokenScopesOf } from './token-scopes.ts';

const SIGNING_KEY = { scopeId: { high: 0xaaaaaaaa, low: 1 } };
const TOKEN = '01020304-0506-4708-890a-0b0c0d0e0f10';
const ANCESTOR = '11121314-1516-4718-991a-1b1c1d1e1f20';
const KEY = '21222324-2526-4728-a92a-2b2c2d2e2f30';

function claimsOf(changes: Record<string, unknown> = {}): VerifiedClaims {
  const claims = {
    tokenId: TOKEN,
    keyId: KEY,
    issuer: 'https://issuer.test',
    audiences: ['https://api.test'],
    tenantId: DEFAULT_TENANT_ID,
    issuedAtSeconds: unixSeconds(1_700_000_000),
    expiresAtSeconds: unixSeconds(1_700_000_900),
    actor: 'somebody',
    actorScopeId: '00000000000000ff',
    scopes: [],
    ancestorTokenIds: [ANCESTOR],
    customClaims: {},
    ...changes,
  };
  return claims as unknown as VerifiedClaims; // A test makes what only verification may make.
}

describe('the scopes of a token', () => {
  test('are signing key, everything, token, ancestors, key, actor and tenant', () => {
    const scopes = tokenScopesOf(claimsOf(), SIGNING_KEY);
    expect(scopes.ok && scopes.value.issuedAtSeconds).toBe(1_700_000_000);
    expect(scopes.ok && scopes.value.scopeIds.map(formatScopeId)).toEqual([
      'aaaaaaaa00000001',
      formatScopeId(EVERYTHING),
      '010203040506080a', // Without the bytes that hold version and variant.
      '111213141516181a',
      '212223242526282a',
      '00000000000000ff',
      '7d0c5e1b93a46852',
    ]);
  });

  test('take the id of an imported key from its first 16 digits', () => {
    const keyId = '0123456789abcdef'.repeat(4);
    const scopes = tokenScopesOf(claimsOf({ keyId }), SIGNING_KEY);
    expect(scopes.ok && scopes.value.scopeIds.map(formatScopeId)).toContain('0123456789abcdef');
  });

  test.each([
    ['jti', { tokenId: 'not-a-uuid' }],
    ['jti', { tokenId: TOKEN.replace('-4', '-1') }],
    ['jti', { tokenId: '11121314-1516-4718-991A-1b1c1d1e1f20' }],
    ['anc', { ancestorTokenIds: [ANCESTOR, ''] }],
    ['anc', { ancestorTokenIds: Array(5).fill(ANCESTOR) }],
    ['sub', { keyId: 'somebody' }],
    ['sub', { keyId: '' }],
    ['act_sid', { actorScopeId: undefined }],
    ['act_sid', { actorScopeId: '' }],
    ['act_sid', { actorScopeId: '00000000000000FF' }],
    ['act_sid', { actorScopeId: '00000000000000ff0' }],
    ['nid', { tenantId: '00000000-0000-0000-0000-000000000000' }],
    ['iat', { issuedAtSeconds: undefined }],
    ['iat', { issuedAtSeconds: 1_700_000_000.5 }],
    ['iat', { issuedAtSeconds: Number.NaN }],
    ['iat', { issuedAtSeconds: 0x1_0000_0000 }],
  ])('a token without a usable %s is refused: %j', (claim, changes) => {
    expect(tokenScopesOf(claimsOf(changes), SIGNING_KEY)).toEqual(
      refuse('claims_malformed', { claim }),
    );
  });
});
