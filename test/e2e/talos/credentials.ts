/** What Talos promises of verifying, deriving and giving up a credential, and of the key set. */

import { describe, expect, test } from 'vitest';
import type { ConformanceSuite } from './conformance-suite.ts';
import { refusalOf } from './recording-client.ts';

export function describeCredentials(suite: ConformanceSuite): void {
  describe('credentials', () => {
    test('a batch is verified in its order', async () => {
      const { secret, keyId } = await suite.issue({ scopes: ['a'] });
      const answer = await suite.client.api.adminBatchVerifyApiKeys({
        batchVerifyApiKeysRequest: {
          requests: [{ credential: secret }, { credential: 'unknown' }, { credential: secret }],
        },
      });
      expect(answer.results?.map(({ is_valid, key_id }) => [is_valid, key_id])).toEqual([
        [true, keyId],
        [false, ''],
        [true, keyId],
      ]);
    });

    test.each([0, 101])('a batch of %i is refused', async (count) => {
      const requests = Array.from({ length: count }, () => ({ credential: 'x' }));
      const batch = { batchVerifyApiKeysRequest: { requests } };
      expect(await refusalOf(suite.client.api.adminBatchVerifyApiKeys(batch))).toBe(
        '400 BAD_REQUEST',
      );
    });

    test('the rate limit of a key is enforced', async () => {
      // Again with another key if the counter was too slow once: then it lets everybody pass (ADR 10).
      const threeUses = async () => {
        const { secret } = await suite.issue({
          rate_limit_policy: { quota: '2', window: '3600s' },
        });
        const uses = [
          await suite.verify(secret),
          await suite.verify(secret),
          await suite.verify(secret),
        ];
        return uses.map((use) => use.error_code ?? use.rate_limit_remaining);
      };
      const patience = { timeout: 20_000, interval: 1500 };
      const enforced = ['1', '0', 'VERIFICATION_ERROR_RATE_LIMITED'];
      await expect.poll(threeUses, patience).toEqual(enforced);
      expect(Number(suite.client.last().headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(suite.client.last().headers.get('ratelimit-policy')).toContain('q=2;w=3600');
    });

    test('a token is derived, narrowed once more, and verified', async () => {
      const { secret, keyId } = await suite.issue({ scopes: ['a', 'b'], metadata: { team: 'x' } });
      const derive = (deriveTokenRequest: object) =>
        suite.client.api.adminDeriveToken({
          deriveTokenRequest: { credential: secret, ...deriveTokenRequest },
        });
      const { token } = await derive({ ttl: '10m', scopes: ['a'], custom_claims: { act: 'me' } });
      expect(token).toMatchObject({ scopes: ['a'], claims: { team: 'x' } });
      expect(await suite.verify(token?.token ?? '')).toMatchObject({
        is_valid: true,
        key_id: keyId,
        actor_id: 'alice',
        scopes: ['a'],
      });
      const narrower = await derive({ credential: token?.token, ttl: '1m' });
      expect((await suite.verify(narrower.token?.token ?? '')).is_valid).toBe(true);
      const wider = derive({ credential: token?.token, ttl: '1m', scopes: ['b'] });
      expect(await refusalOf(wider)).toBe('403 FORBIDDEN');
      expect(await refusalOf(derive({ ttl: '2h' }))).toBe('400 BAD_REQUEST');
      expect(await refusalOf(derive({ credential: 'unknown' }))).toBe('401 PARENT_KEY_INVALID');
    });

    test('a macaroon is derived by name and by number, narrowed once more, and verified', async () => {
      const { secret, keyId } = await suite.issue({ scopes: ['a', 'b'], metadata: { team: 'x' } });
      const derive = (deriveTokenRequest: object) =>
        suite.client.api.adminDeriveToken({
          deriveTokenRequest: { credential: secret, ttl: '10m', ...deriveTokenRequest },
        });
      for (const algorithm of ['TOKEN_ALGORITHM_MACAROON', 2]) {
        const { token } = await derive({ algorithm, custom_claims: { plan: 'free' } });
        expect(token?.token).toMatch(/^mc_v1_[A-Za-z0-9_-]+$/);
        expect(token).toMatchObject({ scopes: ['a', 'b'], claims: { team: 'x', plan: 'free' } });
        expect(await suite.verify(token?.token ?? '')).toMatchObject({
          ...{ is_valid: true, key_id: keyId, actor_id: 'alice', scopes: ['a', 'b'] },
          metadata: { team: 'x', plan: 'free' },
        });
        const credential = token?.token;
        const narrower = await derive({ algorithm, credential, ttl: '1m', scopes: ['b'] });
        const verified = await suite.verify(narrower.token?.token ?? '');
        expect(verified).toMatchObject({ is_valid: true, scopes: ['b'] });
        const child = narrower.token?.token;
        const wider = derive({ algorithm, credential: child, ttl: '1s', scopes: ['a'] });
        expect(await refusalOf(wider)).toBe('403 FORBIDDEN');
      }
      const { jwks } = await suite.client.anonymous.getJwks();
      expect(JSON.stringify(jwks)).not.toMatch(/oct|"k"|mk_/);
    });

    test('their holders revoke them, without a token', async () => {
      const { secret, keyId } = await suite.issue();
      const revoke = (credential: string, reason?: string) =>
        suite.client.anonymous.revokeApiKey({
          selfRevokeApiKeyRequest: {
            credential,
            ...(reason === undefined ? {} : { reason: reason as 'REVOCATION_REASON_SUPERSEDED' }),
          },
        });
      expect(await refusalOf(revoke(secret, 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN'))).toBe(
        '400 BAD_REQUEST',
      );
      const { token } = await suite.client.api.adminDeriveToken({
        deriveTokenRequest: { credential: secret, ttl: '1m' },
      });
      expect(await refusalOf(revoke(token?.token ?? ''))).toBe('400 DERIVED_TOKEN_NOT_REVOCABLE');
      expect(await revoke(secret)).toEqual({});
      expect(await revoke(secret)).toEqual({});
      expect((await suite.client.api.adminGetIssuedApiKey({ keyId })).status).toBe(
        'KEY_STATUS_REVOKED',
      );
      expect(await refusalOf(revoke('unknown-credential'))).toBe('404 API_KEY_NOT_FOUND');
    });

    test('the key set serves Ory and RFC 7517 alike, without a token', async () => {
      const { jwks } = await suite.client.anonymous.getJwks();
      expect(jwks?.keys?.length).toBeGreaterThan(0);
      const kids = jwks?.keys?.map(({ kid }) => ({ kid }));
      expect(suite.client.last().body).toMatchObject({ keys: kids, jwks: { keys: kids } });
    });
  });
}
