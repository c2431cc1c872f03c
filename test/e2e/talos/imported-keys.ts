/** What Talos promises of imported keys. */

import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ConformanceSuite } from './conformance-suite.ts';
import { refusalOf } from './recording-client.ts';

export function describeImportedKeys(suite: ConformanceSuite): void {
  describe('imported keys', () => {
    test('are imported, read, listed, updated, revoked and deleted', async () => {
      const { keyId, rawKey, key } = await suite.importKey();
      expect(suite.client.last().status).toBe(201);
      expect(keyId).toMatch(/^[0-9a-f]{64}$/);
      expect(await suite.client.api.adminGetImportedApiKey({ keyId })).toEqual(key);
      const listed = await suite.client.api.adminListImportedApiKeys({ filter: 'actor_id="bob"' });
      expect(listed.imported_api_keys?.map(({ key_id }) => key_id)).toContain(keyId);
      const renamed = await suite.client.api.adminUpdateImportedApiKey({
        keyId,
        updateMask: 'name',
        adminUpdateImportedApiKeyRequest: { name: 'renamed' },
      });
      expect(renamed.name).toBe('renamed');
      expect(await suite.verify(rawKey)).toMatchObject({ is_valid: true, key_id: keyId });
      await suite.client.api.adminRevokeImportedApiKey({
        keyId,
        adminRevokeImportedApiKeyBody: {},
      });
      expect((await suite.verify(rawKey)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
      await suite.client.api.adminDeleteImportedApiKey({ keyId });
      expect(suite.client.last().status).toBe(204);
      expect(await refusalOf(suite.client.api.adminGetImportedApiKey({ keyId }))).toBe(
        '404 API_KEY_NOT_FOUND',
      );
      expect((await suite.verify(rawKey)).error_code).toBe('VERIFICATION_ERROR_NOT_FOUND');
    });

    test('no key is imported twice, and none that looks like one of ours', async () => {
      const { rawKey } = await suite.importKey();
      expect(await refusalOf(suite.importKey(rawKey))).toBe('409 API_KEY_EXISTS');
      const { secret } = await suite.issue();
      expect(await refusalOf(suite.importKey(secret))).toBe('409 CONFLICT');
      const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln';
      expect(await refusalOf(suite.importKey(jwt))).toBe('409 FAILED_PRECONDITION');
      expect(await refusalOf(suite.importKey('mc_v1_AgEBeAAABiA'))).toBe('409 FAILED_PRECONDITION');
      expect(await refusalOf(suite.importKey('x'.repeat(4097)))).toBe('400 BAD_REQUEST');
    });

    test('a batch has one outcome for each item, in its order', async () => {
      const { rawKey } = await suite.importKey();
      const item = (raw_key: string) => ({ raw_key, name: 'n', actor_id: 'bob', ttl: '1h' });
      const twice = item(`sk_${randomUUID()}`);
      const answer = await suite.client.api.adminBatchCreateImportedApiKeys({
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
      expect(await refusalOf(suite.client.api.adminBatchCreateImportedApiKeys(batch))).toMatch(
        /^409 /,
      );
    });
  });
}
