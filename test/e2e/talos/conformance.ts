/**
 * What a user of Ory Talos relies on, driven through Ory's own client against a real server: every
 * method of `ApiKeysApi`, its good and its bad outcomes, each answer held against Talos's OpenAPI
 * document. One suite for every database; the tests of a suite share one server.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConformanceSuite, type StartedServer } from './conformance-suite.ts';
import { describeCredentials } from './credentials.ts';
import { describeImportedKeys } from './imported-keys.ts';
import { describeIssuedKeys } from './issued-keys.ts';
import { CLIENT_METHODS, createRecordingClient, refusalOf } from './recording-client.ts';

export function describeTalosConformance(name: string, start: () => Promise<StartedServer>): void {
  describe(name, () => {
    const suite = new ConformanceSuite();
    beforeAll(async () => suite.use(await start()));
    afterAll(() => suite.dispose());

    describeIssuedKeys(suite);
    describeImportedKeys(suite);
    describeCredentials(suite);

    test('admin calls need a token', async () => {
      const list = suite.client.anonymous.adminListIssuedApiKeys({});
      expect(await refusalOf(list)).toBe('401 UNAUTHORIZED');
    });

    test('a base path with a slash at its end works', async () => {
      const controlPlaneUrl = `${suite.server.controlPlaneUrl}/`;
      const other = createRecordingClient({ ...suite.server, controlPlaneUrl });
      expect(
        (await other.api.adminListIssuedApiKeys({ pageSize: 1 })).issued_api_keys,
      ).toBeDefined();
    });

    test('every method was called, and every answer is as Talos documents it', () => {
      expect(CLIENT_METHODS.length).toBe(18);
      expect(CLIENT_METHODS.filter((method) => !suite.client.called.has(method))).toEqual([]);
      expect(suite.client.problems).toEqual([]);
    });
  });
}
