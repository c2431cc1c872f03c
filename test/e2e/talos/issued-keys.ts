/** What Talos promises of issued keys. */

import { randomUUID } from 'node:crypto';
import type { IssueApiKeyRequest } from '@ory/client-fetch';
import { describe, expect, test } from 'vitest';
import type { ConformanceSuite } from './conformance-suite.ts';
import { refusalOf } from './recording-client.ts';

export function describeIssuedKeys(suite: ConformanceSuite): void {
  describe('issued keys', () => {
    test('are issued with 201, a Location and a secret that is shown once', async () => {
      const { keyId, key } = await suite.issue({
        scopes: ['a', 'b'],
        metadata: { team: 'x', nested: { n: 1 } },
        rate_limit_policy: { quota: '100', window: '60s' },
        ip_restriction: { allowed_cidrs: ['127.0.0.0/8', '::1/128'] },
        request_id: randomUUID(),
      });
      expect(suite.client.last().status).toBe(201);
      expect(suite.client.last().headers.get('location')).toBe(
        `/v2alpha1/admin/issuedApiKeys/${keyId}`,
      );
      expect(key).toMatchObject({
        scopes: ['a', 'b'],
        metadata: { team: 'x', nested: { n: 1 } },
        status: 'KEY_STATUS_ACTIVE',
        visibility: 'KEY_VISIBILITY_SECRET',
        rate_limit_policy: { quota: '100', window: '60s', unit: 'requests' },
      });
      const read = await suite.client.api.adminGetIssuedApiKey({ keyId });
      expect(read).toEqual(key);
      expect(JSON.stringify(suite.client.last().body)).not.toContain('secret":"c');
    });

    test('a repeated request_id answers the same key without its secret', async () => {
      const requestId = randomUUID();
      const first = await suite.issue({ request_id: requestId });
      const second = await suite.issue({ request_id: requestId });
      expect(second.keyId).toBe(first.keyId);
      expect(second.secret).toBe('');
      expect(suite.client.last().status).toBe(201);
      expect(await refusalOf(suite.issue({ request_id: requestId, name: 'other' }))).toBe(
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
      expect(await refusalOf(suite.issue(request))).toBe(refusal);
    });

    test('public keys have the second prefix', async () => {
      const { secret, key } = await suite.issue({ visibility: 'KEY_VISIBILITY_PUBLIC' });
      const { secret: other } = await suite.issue();
      expect(key.visibility).toBe('KEY_VISIBILITY_PUBLIC');
      expect(secret.split('_v1_')[0]).not.toBe(other.split('_v1_')[0]);
    });

    test('are listed by page and by filter, each key once', async () => {
      const actor = `actor-${randomUUID()}`;
      const ids = new Set<string>();
      for (let i = 0; i < 5; i++) ids.add((await suite.issue({ actor_id: actor })).keyId);
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await suite.client.api.adminListIssuedApiKeys({
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
      expect(await refusalOf(suite.client.api.adminListIssuedApiKeys({ filter }))).toBe(
        '400 BAD_REQUEST',
      );
    });

    test('a page token serves its own filter only', async () => {
      await suite.issue();
      await suite.issue();
      const { next_page_token: pageToken = '' } = await suite.client.api.adminListIssuedApiKeys({
        pageSize: 1,
      });
      const other = { pageSize: 1, pageToken, filter: 'actor_id="nobody"' };
      expect(await refusalOf(suite.client.api.adminListIssuedApiKeys(other))).toBe(
        '400 BAD_REQUEST',
      );
    });

    test('are updated by mask, and only what the mask names', async () => {
      const { keyId } = await suite.issue({ scopes: ['a'], metadata: { keep: true } });
      const updated = await suite.client.api.adminUpdateIssuedApiKey({
        keyId,
        updateMask: 'name,scopes',
        adminUpdateIssuedApiKeyRequest: { name: 'renamed', scopes: ['b'], metadata: {} },
      });
      expect(updated).toMatchObject({ name: 'renamed', scopes: ['b'], metadata: { keep: true } });
    });

    test('without a mask the members of the body are the mask; null clears', async () => {
      const { keyId } = await suite.issue({
        scopes: ['a'],
        ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] },
      });
      const path = `/v2alpha1/admin/issuedApiKeys/${keyId}`;
      const cleared = await suite.raw('PATCH', path, { scopes: [], ip_restriction: null });
      expect(cleared.status).toBe(200);
      expect(cleared.body).toMatchObject({ scopes: [], name: 'conformance' });
      expect(cleared.body.ip_restriction).toBeUndefined();
      const wrapped = await suite.raw('PATCH', `${path}?update_mask=name`, {
        issued_api_key: { name: 'wrapped' },
      });
      expect(wrapped.body).toMatchObject({ name: 'wrapped' });
      expect(
        (await suite.raw('PATCH', `${path}?updateMask=name`, { name: 'camel' })).body,
      ).toMatchObject({ name: 'camel' });
    });

    test.each(['actor_id', 'expire_time', 'status', 'visibility', 'key_id', 'nonsense'])(
      '%s cannot be updated',
      async (updateMask) => {
        const { keyId } = await suite.issue();
        const update = { keyId, updateMask, adminUpdateIssuedApiKeyRequest: { name: 'x' } };
        expect(await refusalOf(suite.client.api.adminUpdateIssuedApiKey(update))).toBe(
          '400 BAD_REQUEST',
        );
      },
    );

    test('are rotated: a new id and secret, the old one superseded', async () => {
      const { keyId, secret, key } = await suite.issue({ scopes: ['a'] });
      const rotated = await suite.client.api.adminRotateIssuedApiKey({
        keyId,
        adminRotateIssuedApiKeyBody: { scopes: ['b'] },
      });
      expect(suite.client.last().status).toBe(201);
      expect(rotated.issued_api_key).toMatchObject({ scopes: ['b'], name: key.name });
      expect(rotated.issued_api_key?.expire_time).toEqual(key.expire_time);
      expect(rotated.old_issued_api_key).toMatchObject({
        key_id: keyId,
        status: 'KEY_STATUS_REVOKED',
        revocation_reason: 'REVOCATION_REASON_SUPERSEDED',
      });
      expect((await suite.verify(secret)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
      expect((await suite.verify(rotated.secret ?? '')).is_valid).toBe(true);
      const again = suite.client.api.adminRotateIssuedApiKey({
        keyId,
        adminRotateIssuedApiKeyBody: {},
      });
      expect(await refusalOf(again)).toBe('409 FAILED_PRECONDITION');
    });

    test('are revoked once, with a reason', async () => {
      const { keyId } = await suite.issue();
      const revoke = (body: object) =>
        suite.client.api.adminRevokeIssuedApiKey({ keyId, adminRevokeIssuedApiKeyBody: body });
      expect(
        await refusalOf(revoke({ reason: 'REVOCATION_REASON_KEY_COMPROMISE', description: 'no' })),
      ).toBe('400 BAD_REQUEST');
      await revoke({ reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN', description: 'left' });
      expect(suite.client.last().status).toBe(204);
      expect(await suite.client.api.adminGetIssuedApiKey({ keyId })).toMatchObject({
        status: 'KEY_STATUS_REVOKED',
        revocation_reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN',
        revocation_description: 'left',
      });
      expect(await refusalOf(revoke({}))).toBe('409 CONFLICT');
    });

    test('the unified path of the documentation revokes both kinds', async () => {
      const { keyId } = await suite.issue();
      const { keyId: importedId } = await suite.importKey();
      for (const id of [keyId, importedId]) {
        const { status } = await suite.raw('POST', `/v2alpha1/admin/apiKeys/${id}:revoke`, {});
        expect(status).toBe(204);
      }
    });

    test.each([randomUUID(), 'a/b c:d%é', 'a:b'])('%j is no key', async (keyId) => {
      expect(await refusalOf(suite.client.api.adminGetIssuedApiKey({ keyId }))).toBe(
        '404 API_KEY_NOT_FOUND',
      );
      const revocation = { keyId, adminRevokeIssuedApiKeyBody: {} };
      expect(await refusalOf(suite.client.api.adminRevokeIssuedApiKey(revocation))).toBe(
        '404 API_KEY_NOT_FOUND',
      );
    });
  });
}
