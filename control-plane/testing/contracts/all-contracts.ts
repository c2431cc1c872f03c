/** Every contract on one database, and the sentinels that find what no contract touches. */

import { expect, test } from 'vitest';
import { testAdminCredentials } from './admin-credential-contract.ts';
import { testKeyInsertion, testKeyLists, testKeyQuota } from './api-key-contract.ts';
import { testAuditEvents } from './audit-contract.ts';
import { testEdges } from './edge-contract.ts';
import {
  testKeyRaces,
  testKeyReplacement,
  testKeyRevocation,
  testKeyUpdates,
} from './key-change-contract.ts';
import { testReplacedKeys } from './replaced-key-contract.ts';
import { testMinting, testRevocations, testStoredSecrets } from './revocation-contract.ts';
import { testRevocationLedger } from './revocation-ledger-contract.ts';
import { testSigningKeys } from './signing-key-contract.ts';
import { type Called, countRows, methodsOf, type Subject, watching } from './subject.ts';
import { testTenantDeletion, testTenants } from './tenant-contract.ts';
import { testUpkeep } from './upkeep-contract.ts';

/** Registers the tests. `open` is called when the first of them runs. */
export function testStores(open: () => Subject): void {
  const called: Called = new Set();
  let watched: Subject | undefined;
  const subject = (): Subject => {
    if (watched === undefined) {
      const { stores, run, columns } = open();
      watched = { stores: watching(stores, called), run, columns };
    }
    return watched;
  };
  testAuditEvents(subject); // First: it empties its table.
  testKeyInsertion(subject);
  testKeyQuota(subject);
  testKeyLists(subject);
  testKeyUpdates(subject);
  testKeyRevocation(subject);
  testKeyReplacement(subject);
  testKeyRaces(subject);
  testSigningKeys(subject);
  testRevocations(subject);
  testRevocationLedger(subject);
  testMinting(subject);
  testStoredSecrets(subject);
  testTenants(subject);
  testTenantDeletion(subject);
  testAdminCredentials(subject);
  testEdges(subject);
  testReplacedKeys(subject);

  test('every column has been written', async () => {
    const columns = await subject().columns();
    expect(columns.length).toBeGreaterThan(60);
    const empty: string[] = [];
    for (const column of columns) {
      const [table = '', name = ''] = column.split('.');
      if ((await countRows(subject(), table, `${name} IS NOT NULL`)) === 0) empty.push(column);
    }
    expect(empty).toEqual([]);
  });

  testUpkeep(subject); // Not before: it removes what the other tests have left.

  test('every method of every port has been called', () => {
    const methods = methodsOf(open().stores);
    expect(methods.length).toBeGreaterThan(40);
    expect(methods.filter((method) => !called.has(method))).toEqual([]);
  });
}
