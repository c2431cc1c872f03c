/**
 * The proof that tenants are kept apart in one database: the checks hold; each condition on the
 * tenant is missed by at least one of them; and nothing asks about tenants' rows without one.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import { type Called, methodsOf, watching } from '../contracts/subject.ts';
import { KEY_CHANGE_CHECKS } from './key-change-checks.ts';
import { KEY_CHECKS } from './key-checks.ts';
import { findSurvivors, type IsolationWorld, runAll, unaskedStatements } from './mutation.ts';
import { REVOCATION_CHECKS } from './revocation-checks.ts';
import { SIGNING_KEY_CHECKS } from './signing-key-checks.ts';
import { TENANT_CHECKS } from './tenant-checks.ts';
import { rewritten, tenantConditions, withTenant } from './tenant-conditions.ts';

const CHECKS = [
  ...KEY_CHECKS,
  ...KEY_CHANGE_CHECKS,
  ...REVOCATION_CHECKS,
  ...SIGNING_KEY_CHECKS,
  ...TENANT_CHECKS,
];

/** What is for every tenant, and why. Any other method of a store has a check. */
const FOR_EVERY_TENANT: Readonly<Record<string, string>> = {
  'revocations.unacknowledged': 'the publisher serves all tenants',
  'revocations.live': 'the publisher serves all tenants',
  'revocations.markAcknowledged': 'the publisher serves all tenants; by random ids',
  'revocations.unpublished': 'the publisher serves all tenants',
  'revocations.markPublished': 'the publisher serves all tenants; by random ids',
  'revocations.nextEffectAt': 'the publisher serves all tenants',
  'signingKeys.listAll': 'the publisher serves all tenants',
  'signingKeys.listSealed': 'the master secret is one for all tenants',
  'adminCredentials.find': 'by a random id, to learn whose it is',
  'adminCredentials.insert': 'by a random id; the row says whose it is',
  'audit.findMany': 'by random ids: the one log of all tenants is sealed and verified',
  'audit.unsealed': 'the one log of all tenants',
  'audit.lastSealed': 'the one log of all tenants',
  'audit.seal': 'the one log of all tenants',
  'audit.sealedFrom': 'the one log of all tenants',
  'audit.removeBefore': 'the one log of all tenants',
  'edges.insert': 'edges of the deployment: each names its tenants',
  'edges.find': 'edges of the deployment',
  'edges.list': 'edges of the deployment',
  'edges.rotate': 'edges of the deployment',
  'edges.revoke': 'edges of the deployment',
  'replacedKeys.listAll': 'the publisher serves all tenants',
  'replacedKeys.insert': 'the publisher serves all tenants; each row says whose it is',
  'secrets.find': 'secrets of the deployment',
  'secrets.insertOnce': 'secrets of the deployment',
  'secrets.list': 'secrets of the deployment',
  'secrets.reseal': 'secrets of the deployment',
  'status.check': 'asks about no row',
  'upkeep.removeOutlived': 'what is over is over for every tenant',
};

interface Expectation {
  /** At least so many conditions must have been taken away. */
  readonly mutantsMin: number;
  /** Statements that ask about tenants' rows without a condition; each begins with its text. */
  readonly unasked: ReadonlyArray<readonly [beginning: RegExp, why: string]>;
  /** Conditions that nothing can miss. */
  readonly needless: ReadonlyArray<readonly [mutant: RegExp, why: string]>;
}

/** Statements, and the conditions on the tenant that must be seen in them. */
const SEEN: ReadonlyArray<readonly [sql: string, conditions: readonly string[]]> = [
  ['SELECT nid FROM t WHERE a = ?', []],
  ['SELECT 1 FROM t WHERE nid = ?1 AND t.nid=?2', ['nid = ?1', 't.nid=?2']],
  ['delete from "t" where ("t"."nid" = $1 and "a" = $2)', ['"t"."nid" = $1']],
  [
    '… WHERE a.nid = b.nid AND "a"."nid" <> "b"."nid")',
    ['a.nid = b.nid', '"a"."nid" <> "b"."nid"'],
  ],
  ["… WHERE made.nid = e.value ->> 'nid' AND …", ["made.nid = e.value ->> 'nid'"]],
  ['… WHERE "nid" = (select f(x) from "t") AND …', ['"nid" = (select f(x) from "t")']],
  ['… WHERE nid IN (SELECT 1) OR …', ['nid IN (SELECT 1)']],
  ["SELECT e.value ->> 'nid', x AS nid, unnid = 1 FROM e", []],
];

/** Registers the tests. `open` is called when the first of them runs. */
export function testIsolation(open: () => IsolationWorld, expected: Expectation): void {
  describe('tenants in one database', () => {
    const called: Called = new Set();
    let executed: Awaited<ReturnType<typeof runAll>>;
    beforeAll(async () => {
      const world = open();
      const storesThrough: IsolationWorld['storesThrough'] = (rewrite) =>
        watching(world.storesThrough(rewrite), called);
      executed = await runAll({ ...world, storesThrough }, CHECKS, withTenant);
    }, 60_000);

    test.each(SEEN)('conditions are seen in %s', (sql, conditions) => {
      expect(tenantConditions(sql).map(({ text }) => text)).toEqual(conditions);
      expect(rewritten(sql, (condition) => condition)).toBe(sql);
    });

    test('every method of every store is checked, or is for every tenant', () => {
      const methods = methodsOf(open().storesThrough((sql) => sql));
      expect(methods.length).toBeGreaterThan(40);
      const free = Object.keys(FOR_EVERY_TENANT);
      expect(free.filter((method) => !methods.includes(method))).toEqual([]);
      const unchecked = methods.filter((method) => !called.has(method) && !free.includes(method));
      expect(unchecked).toEqual([]);
    });

    test('no statement asks about tenants without saying which, but those with a reason', () => {
      const unexplained = unaskedStatements(executed).filter(
        (sql) => !expected.unasked.some(([beginning]) => beginning.test(sql)),
      );
      expect(unexplained).toEqual([]);
    });

    test('whichever condition on the tenant is dropped, a check fails', async () => {
      const { count, survivors } = await findSurvivors(open(), executed);
      const unexplained = survivors.filter(
        (mutant) => !expected.needless.some(([known]) => known.test(mutant)),
      );
      expect(unexplained).toEqual([]);
      expect(survivors).toHaveLength(expected.needless.length);
      expect(count).toBeGreaterThanOrEqual(expected.mutantsMin);
      await runAll(open(), CHECKS); // What the mutants left behind does not make checks fail.
    }, 120_000);
  });
}
