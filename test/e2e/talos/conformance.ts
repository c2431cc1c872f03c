/**
 * What a user of Ory Talos relies on, driven through Ory's own client against a real server: every
 * method of `ApiKeysApi`, its good and its bad outcomes, each answer held against Talos's OpenAPI
 * document. One suite for every database; the tests of a suite share one server.
 */

import { randomUUID } from 'node:crypto';
import type { IssueApiKeyRequest } from '@ory/client-fetch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CLIENT_METHODS,
  createRecordingClient,
  type RecordingClient,
  refusalOf,
  type Server,
} from './recording-client.ts';

export interface StartedServer extends Server {
  readonly dispose: () => Promise<void>;
}

export function describeTalosConformance(name: string, start: () => Promise<StartedServer>): void {
  describe(name, () => {
    let server: StartedServer;
    let client: RecordingClient;

    beforeAll(async () => {
      server = await start();
      client = createRecordingClient(server);
    });
    afterAll(() => server?.dispose());

    const issue = async (request: Partial<IssueApiKeyRequest> = {}) => {
      const answer = await client.api.adminIssueApiKey({
        issueApiKeyRequest: { name: 'conformance', actor_id: 'alice', ttl: '1h', ...request },
      });
      const { issued_api_key: key, secret } = answer;
      if (key?.key_id === undefined || secret === undefined) throw new Error('There is no key.');
      return { key, keyId: key.key_id, secret };
    };
    const importKey = async (rawKey = `sk_live_${randomUUID()}`) => {
      const key = await client.api.adminImportApiKey({
        importApiKeyRequest: { raw_key: rawKey, name: 'imported', actor_id: 'bob', ttl: '1h' },
      });
      if (key.key_id === undefined) throw new Error('There is no key.');
      return { key, keyId: key.key_id, rawKey };
    };
    const verify = (credential: string) =>
      client.api.adminVerifyApiKey({ verifyApiKeyRequest: { credential } });
    const raw = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${server.controlPlaneUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${server.adminToken}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    };

    describe('issued keys', () => {
      test('are issued with 201, a Location and a secret that is shown once', async () => {
        const { keyId, key } = await issue({
          scopes: ['a', 'b'],
          metadata: { team: 'x', nested: { n: 1 } },
          rate_limit_policy: { quota: '100', window: '60s' },
          ip_restriction: { allowed_cidrs: ['127.0.0.0/8', '::1/128'] },
          request_id: randomUUID(),
        });
        expect(client.last().status).toBe(201);
        expect(client.last().headers.get('location')).toBe(
          `/v2alpha1/admin/issuedApiKeys/${keyId}`,
        );
        expect(key).toMatchObject({
          scopes: ['a', 'b'],
          metadata: { team: 'x', nested: { n: 1 } },
          status: 'KEY_STATUS_ACTIVE',
          visibility: 'KEY_VISIBILITY_SECRET',
          rate_limit_policy: { quota: '100', window: '60s', unit: 'requests' },
        });
        const read = await client.api.adminGetIssuedApiKey({ keyId });
        expect(read).toEqual(key);
        expect(JSON.stringify(client.last().body)).not.toContain('secret":"c');
      });

      test('a repeated request_id answers the same key without its secret', async () => {
        const requestId = randomUUID();
        const first = await issue({ request_id: requestId });
        const second = await issue({ request_id: requestId });
        expect(second.keyId).toBe(first.keyId);
        expect(second.secret).toBe('');
        expect(client.last().status).toBe(201);
        expect(await refusalOf(issue({ request_id: requestId, name: 'other' }))).toBe(
          '409 CONFLICT',
        );
      });

      test.each<[string, Partial<IssueApiKeyRequest>, string]>([
        ['no name', { name: '' }, '400 BAD_REQUEST'],
        ['a name of 256 characters', { name: 'x'.repeat(256) }, '400 BAD_REQUEST'],
        ['no actor', { actor_id: '' }, '400 BAD_REQUEST'],
        ['101 scopes', { scopes: Array(101).fill('a') }, '400 BAD_REQUEST'],
        ['a scope of 101 characters', { scopes: ['x'.repeat(101)] }, '400 BAD_REQUEST'],
        ['a ttl of 0', { ttl: '0s' }, '400 BAD_REQUEST'],
        ['a ttl beyond the maximum', { ttl: '8761h' }, '400 BAD_REQUEST'],
        ['a ttl without a unit', { ttl: '60' }, '400 BAD_REQUEST'],
        ['a bare address', { ip_restriction: { allowed_cidrs: ['10.0.0.1'] } }, '400 BAD_REQUEST'],
        ['a quota of 0', { rate_limit_policy: { quota: '0', window: '1s' } }, '400 BAD_REQUEST'],
        ['metadata of 5 KB', { metadata: { x: 'x'.repeat(5000) } }, '400 BAD_REQUEST'],
        ['a request_id of 37', { request_id: 'x'.repeat(37) }, '400 BAD_REQUEST'],
      ])('%s is refused', async (_, request, refusal) => {
        expect(await refusalOf(issue(request))).toBe(refusal);
      });

      test('public keys have the second prefix', async () => {
        const { secret, key } = await issue({ visibility: 'KEY_VISIBILITY_PUBLIC' });
        const { secret: other } = await issue();
        expect(key.visibility).toBe('KEY_VISIBILITY_PUBLIC');
        expect(secret.split('_v1_')[0]).not.toBe(other.split('_v1_')[0]);
      });

      test('are listed by page and by filter, each key once', async () => {
        const actor = `actor-${randomUUID()}`;
        const ids = new Set<string>();
        for (let i = 0; i < 5; i++) ids.add((await issue({ actor_id: actor })).keyId);
        const seen: string[] = [];
        let pageToken = '';
        do {
          const page = await client.api.adminListIssuedApiKeys({
            pageSize: 2,
            filter: `actor_id="${actor}"`,
            ...(pageToken === '' ? {} : { pageToken }),
          });
          seen.push(...(page.issued_api_keys ?? []).map(({ key_id }) => key_id ?? ''));
          pageToken = page.next_page_token ?? '';
        } while (pageToken !== '');
        expect(seen.toSorted()).toEqual([...ids].toSorted());
        expect(seen).toEqual(seen.toSorted().reverse());
      });

      test.each([
        ['OR', 'actor_id="a" OR actor_id="b"'],
        ['an unknown field', 'name="x"'],
        ['a repeated field', 'actor_id="a" AND actor_id="b"'],
      ])('a filter with %s is refused', async (_, filter) => {
        expect(await refusalOf(client.api.adminListIssuedApiKeys({ filter }))).toBe(
          '400 BAD_REQUEST',
        );
      });

      test('a page token serves its own filter only', async () => {
        await issue();
        await issue();
        const { next_page_token: pageToken = '' } = await client.api.adminListIssuedApiKeys({
          pageSize: 1,
        });
        const other = { pageSize: 1, pageToken, filter: 'actor_id="nobody"' };
        expect(await refusalOf(client.api.adminListIssuedApiKeys(other))).toBe('400 BAD_REQUEST');
      });

      test('are updated by mask, and only what the mask names', async () => {
        const { keyId } = await issue({ scopes: ['a'], metadata: { keep: true } });
        const updated = await client.api.adminUpdateIssuedApiKey({
          keyId,
          updateMask: 'name,scopes',
          adminUpdateIssuedApiKeyRequest: { name: 'renamed', scopes: ['b'], metadata: {} },
        });
        expect(updated).toMatchObject({ name: 'renamed', scopes: ['b'], metadata: { keep: true } });
      });

      test('without a mask the members of the body are the mask; null clears', async () => {
        const { keyId } = await issue({
          scopes: ['a'],
          ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] },
        });
        const path = `/v2alpha1/admin/issuedApiKeys/${keyId}`;
        const cleared = await raw('PATCH', path, { scopes: [], ip_restriction: null });
        expect(cleared.status).toBe(200);
        expect(cleared.body).toMatchObject({ scopes: [], name: 'conformance' });
        expect(cleared.body.ip_restriction).toBeUndefined();
        const wrapped = await raw('PATCH', `${path}?update_mask=name`, {
          issued_api_key: { name: 'wrapped' },
        });
        expect(wrapped.body).toMatchObject({ name: 'wrapped' });
        expect(
          (await raw('PATCH', `${path}?updateMask=name`, { name: 'camel' })).body,
        ).toMatchObject({ name: 'camel' });
      });

      test.each(['actor_id', 'expire_time', 'status', 'visibility', 'key_id', 'nonsense'])(
        '%s cannot be updated',
        async (updateMask) => {
          const { keyId } = await issue();
          const update = { keyId, updateMask, adminUpdateIssuedApiKeyRequest: { name: 'x' } };
          expect(await refusalOf(client.api.adminUpdateIssuedApiKey(update))).toBe(
            '400 BAD_REQUEST',
          );
        },
      );

      test('are rotated: a new id and secret, the old one superseded', async () => {
        const { keyId, secret, key } = await issue({ scopes: ['a'] });
        const rotated = await client.api.adminRotateIssuedApiKey({
          keyId,
          adminRotateIssuedApiKeyBody: { scopes: ['b'] },
        });
        expect(client.last().status).toBe(201);
        expect(rotated.issued_api_key).toMatchObject({ scopes: ['b'], name: key.name });
        expect(rotated.issued_api_key?.expire_time).toEqual(key.expire_time);
        expect(rotated.old_issued_api_key).toMatchObject({
          key_id: keyId,
          status: 'KEY_STATUS_REVOKED',
          revocation_reason: 'REVOCATION_REASON_SUPERSEDED',
        });
        expect((await verify(secret)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
        expect((await verify(rotated.secret ?? '')).is_valid).toBe(true);
        const again = client.api.adminRotateIssuedApiKey({
          keyId,
          adminRotateIssuedApiKeyBody: {},
        });
        expect(await refusalOf(again)).toBe('409 FAILED_PRECONDITION');
      });

      test('are revoked once, with a reason', async () => {
        const { keyId } = await issue();
        const revoke = (body: object) =>
          client.api.adminRevokeIssuedApiKey({ keyId, adminRevokeIssuedApiKeyBody: body });
        expect(
          await refusalOf(
            revoke({ reason: 'REVOCATION_REASON_KEY_COMPROMISE', description: 'no' }),
          ),
        ).toBe('400 BAD_REQUEST');
        await revoke({ reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN', description: 'left' });
        expect(client.last().status).toBe(204);
        expect(await client.api.adminGetIssuedApiKey({ keyId })).toMatchObject({
          status: 'KEY_STATUS_REVOKED',
          revocation_reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN',
          revocation_description: 'left',
        });
        expect(await refusalOf(revoke({}))).toBe('409 CONFLICT');
      });

      test('the unified path of the documentation revokes both kinds', async () => {
        const { keyId } = await issue();
        const { keyId: importedId } = await importKey();
        for (const id of [keyId, importedId]) {
          const { status } = await raw('POST', `/v2alpha1/admin/apiKeys/${id}:revoke`, {});
          expect(status).toBe(204);
        }
      });

      test.each([randomUUID(), 'a/b c:d%é', 'a:b'])('%j is no key', async (keyId) => {
        expect(await refusalOf(client.api.adminGetIssuedApiKey({ keyId }))).toBe(
          '404 API_KEY_NOT_FOUND',
        );
        const revocation = { keyId, adminRevokeIssuedApiKeyBody: {} };
        expect(await refusalOf(client.api.adminRevokeIssuedApiKey(revocation))).toBe(
          '404 API_KEY_NOT_FOUND',
        );
      });
    });

    describe('imported keys', () => {
      test('are imported, read, listed, updated, revoked and deleted', async () => {
        const { keyId, rawKey, key } = await importKey();
        expect(client.last().status).toBe(201);
        expect(keyId).toMatch(/^[0-9a-f]{64}$/);
        expect(await client.api.adminGetImportedApiKey({ keyId })).toEqual(key);
        const listed = await client.api.adminListImportedApiKeys({ filter: 'actor_id="bob"' });
        expect(listed.imported_api_keys?.map(({ key_id }) => key_id)).toContain(keyId);
        const renamed = await client.api.adminUpdateImportedApiKey({
          keyId,
          updateMask: 'name',
          adminUpdateImportedApiKeyRequest: { name: 'renamed' },
        });
        expect(renamed.name).toBe('renamed');
        expect(await verify(rawKey)).toMatchObject({ is_valid: true, key_id: keyId });
        await client.api.adminRevokeImportedApiKey({ keyId, adminRevokeImportedApiKeyBody: {} });
        expect((await verify(rawKey)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
        await client.api.adminDeleteImportedApiKey({ keyId });
        expect(client.last().status).toBe(204);
        expect(await refusalOf(client.api.adminGetImportedApiKey({ keyId }))).toBe(
          '404 API_KEY_NOT_FOUND',
        );
        expect((await verify(rawKey)).error_code).toBe('VERIFICATION_ERROR_NOT_FOUND');
      });

      test('no key is imported twice, and none that looks like one of ours', async () => {
        const { rawKey } = await importKey();
        expect(await refusalOf(importKey(rawKey))).toBe('409 API_KEY_EXISTS');
        const { secret } = await issue();
        expect(await refusalOf(importKey(secret))).toBe('409 CONFLICT');
        const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln';
        expect(await refusalOf(importKey(jwt))).toBe('409 FAILED_PRECONDITION');
        expect(await refusalOf(importKey('mc_v1_AgEBeAAABiA'))).toBe('409 FAILED_PRECONDITION');
        expect(await refusalOf(importKey('x'.repeat(4097)))).toBe('400 BAD_REQUEST');
      });

      test('a batch has one outcome for each item, in its order', async () => {
        const { rawKey } = await importKey();
        const item = (raw_key: string) => ({ raw_key, name: 'n', actor_id: 'bob', ttl: '1h' });
        const twice = item(`sk_${randomUUID()}`);
        const answer = await client.api.adminBatchCreateImportedApiKeys({
          batchCreateImportedApiKeysRequest: {
            requests: [twice, item(rawKey), { ...item('sk_unnamed_1'), name: '' }, twice],
          },
        });
        expect(answer).toMatchObject({ success_count: 1, failure_count: 3 });
        expect(answer.results?.map(({ index, error_code }) => [index, error_code])).toEqual([
          [0, undefined],
          [1, 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_ALREADY_EXISTS'],
          [2, 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_INVALID_ARGUMENT'],
          [3, 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_ALREADY_EXISTS'],
        ]);
        const failing = { requests: [item(rawKey)] };
        const batch = { batchCreateImportedApiKeysRequest: failing };
        expect(await refusalOf(client.api.adminBatchCreateImportedApiKeys(batch))).toMatch(/^409 /);
      });
    });

    describe('credentials', () => {
      test('a batch is verified in its order', async () => {
        const { secret, keyId } = await issue({ scopes: ['a'] });
        const answer = await client.api.adminBatchVerifyApiKeys({
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
        expect(await refusalOf(client.api.adminBatchVerifyApiKeys(batch))).toBe('400 BAD_REQUEST');
      });

      test('the rate limit of a key is enforced', async () => {
        // Again with another key if the counter was too slow once: then it lets everybody pass (ADR 10).
        const threeUses = async () => {
          const { secret } = await issue({ rate_limit_policy: { quota: '2', window: '3600s' } });
          const uses = [await verify(secret), await verify(secret), await verify(secret)];
          return uses.map((use) => use.error_code ?? use.rate_limit_remaining);
        };
        const patience = { timeout: 20_000, interval: 1500 };
        const enforced = ['1', '0', 'VERIFICATION_ERROR_RATE_LIMITED'];
        await expect.poll(threeUses, patience).toEqual(enforced);
        expect(Number(client.last().headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(client.last().headers.get('ratelimit-policy')).toContain('q=2;w=3600');
      });

      test('a token is derived, narrowed once more, and verified', async () => {
        const { secret, keyId } = await issue({ scopes: ['a', 'b'], metadata: { team: 'x' } });
        const derive = (deriveTokenRequest: object) =>
          client.api.adminDeriveToken({
            deriveTokenRequest: { credential: secret, ...deriveTokenRequest },
          });
        const { token } = await derive({ ttl: '10m', scopes: ['a'], custom_claims: { act: 'me' } });
        expect(token).toMatchObject({ scopes: ['a'], claims: { team: 'x' } });
        expect(await verify(token?.token ?? '')).toMatchObject({
          is_valid: true,
          key_id: keyId,
          actor_id: 'alice',
          scopes: ['a'],
        });
        const narrower = await derive({ credential: token?.token, ttl: '1m' });
        expect((await verify(narrower.token?.token ?? '')).is_valid).toBe(true);
        const wider = derive({ credential: token?.token, ttl: '1m', scopes: ['b'] });
        expect(await refusalOf(wider)).toBe('403 FORBIDDEN');
        expect(await refusalOf(derive({ ttl: '2h' }))).toBe('400 BAD_REQUEST');
        expect(await refusalOf(derive({ credential: 'unknown' }))).toBe('401 PARENT_KEY_INVALID');
      });

      test('a macaroon is derived by name and by number, narrowed once more, and verified', async () => {
        const { secret, keyId } = await issue({ scopes: ['a', 'b'], metadata: { team: 'x' } });
        const derive = (deriveTokenRequest: object) =>
          client.api.adminDeriveToken({
            deriveTokenRequest: { credential: secret, ttl: '10m', ...deriveTokenRequest },
          });
        for (const algorithm of ['TOKEN_ALGORITHM_MACAROON', 2]) {
          const { token } = await derive({ algorithm, custom_claims: { plan: 'free' } });
          expect(token?.token).toMatch(/^mc_v1_[A-Za-z0-9_-]+$/);
          expect(token).toMatchObject({ scopes: ['a', 'b'], claims: { team: 'x', plan: 'free' } });
          expect(await verify(token?.token ?? '')).toMatchObject({
            ...{ is_valid: true, key_id: keyId, actor_id: 'alice', scopes: ['a', 'b'] },
            metadata: { team: 'x', plan: 'free' },
          });
          const credential = token?.token;
          const narrower = await derive({ algorithm, credential, ttl: '1m', scopes: ['b'] });
          const verified = await verify(narrower.token?.token ?? '');
          expect(verified).toMatchObject({ is_valid: true, scopes: ['b'] });
          const child = narrower.token?.token;
          const wider = derive({ algorithm, credential: child, ttl: '1s', scopes: ['a'] });
          expect(await refusalOf(wider)).toBe('403 FORBIDDEN');
        }
        const { jwks } = await client.anonymous.getJwks();
        expect(JSON.stringify(jwks)).not.toMatch(/oct|"k"|mk_/);
      });

      test('their holders revoke them, without a token', async () => {
        const { secret, keyId } = await issue();
        const revoke = (credential: string, reason?: string) =>
          client.anonymous.revokeApiKey({
            selfRevokeApiKeyRequest: {
              credential,
              ...(reason === undefined ? {} : { reason: reason as 'REVOCATION_REASON_SUPERSEDED' }),
            },
          });
        expect(await refusalOf(revoke(secret, 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN'))).toBe(
          '400 BAD_REQUEST',
        );
        const { token } = await client.api.adminDeriveToken({
          deriveTokenRequest: { credential: secret, ttl: '1m' },
        });
        expect(await refusalOf(revoke(token?.token ?? ''))).toBe('400 DERIVED_TOKEN_NOT_REVOCABLE');
        expect(await revoke(secret)).toEqual({});
        expect(await revoke(secret)).toEqual({});
        expect((await client.api.adminGetIssuedApiKey({ keyId })).status).toBe(
          'KEY_STATUS_REVOKED',
        );
        expect(await refusalOf(revoke('unknown-credential'))).toBe('404 API_KEY_NOT_FOUND');
      });

      test('the key set serves Ory and RFC 7517 alike, without a token', async () => {
        const { jwks } = await client.anonymous.getJwks();
        expect(jwks?.keys?.length).toBeGreaterThan(0);
        const kids = jwks?.keys?.map(({ kid }) => ({ kid }));
        expect(client.last().body).toMatchObject({ keys: kids, jwks: { keys: kids } });
      });
    });

    test('admin calls need a token', async () => {
      const list = client.anonymous.adminListIssuedApiKeys({});
      expect(await refusalOf(list)).toBe('401 UNAUTHORIZED');
    });

    test('a base path with a slash at its end works', async () => {
      const controlPlaneUrl = `${server.controlPlaneUrl}/`;
      const other = createRecordingClient({ ...server, controlPlaneUrl });
      expect(
        (await other.api.adminListIssuedApiKeys({ pageSize: 1 })).issued_api_keys,
      ).toBeDefined();
    });

    test('every method was called, and every answer is as Talos documents it', () => {
      expect(CLIENT_METHODS.length).toBe(18);
      expect(CLIENT_METHODS.filter((method) => !client.called.has(method))).toEqual([]);
      expect(client.problems).toEqual([]);
    });
  });
}
