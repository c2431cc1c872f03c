/**
 * Two tenants with the same of everything, and what checks of isolation do with them: the `tenant`
 * acts, the `victim` must not notice, nor be noticed.
 */

import { expect } from 'vitest';
import type { NewApiKey } from '../../src/api-keys/store.ts';
import type { NewAuditEvent } from '../../src/audit/audit-event.ts';
import { auditOf, insertion, newId, newKey } from '../contracts/fixtures.ts';
import type { Stores, Subject } from '../contracts/subject.ts';

export interface Pair {
  readonly victim: string;
  readonly tenant: string;
  /** For what is there before. */
  readonly seed: Stores;
  /** For what is under test: its statements may lack a condition. */
  readonly act: Stores;
  readonly run: Subject['run'];
  /** Every row of these tenants, as texts. */
  readonly rowsOf: (tenantIds: readonly string[]) => Promise<readonly string[]>;
}

export interface Check {
  /** `port.method`, and what about it. */
  readonly name: string;
  readonly run: (pair: Pair) => Promise<void>;
}

/** Runs `work`; afterwards the victim's rows must be what they were. */
export async function unnoticed<T>(pair: Pair, work: () => Promise<T>): Promise<T> {
  return leavingAlone([pair.victim], pair, work);
}

/** The same, and the acting tenant's rows must not change either: what it tried was refused. */
export async function withoutEffect<T>(pair: Pair, work: () => Promise<T>): Promise<T> {
  return leavingAlone([pair.victim, pair.tenant], pair, work);
}

async function leavingAlone<T>(
  tenantIds: readonly string[],
  { rowsOf }: Pair,
  work: () => Promise<T>,
): Promise<T> {
  const before = await rowsOf(tenantIds);
  const answer = await work();
  expect(await rowsOf(tenantIds)).toEqual(before);
  return answer;
}

export async function seedKey(
  { seed }: Pair,
  tenantId: string,
  change: Partial<NewApiKey> & { readonly keyId: string },
): Promise<void> {
  const outcome = await seed.apiKeys.insert(insertion(newKey(tenantId, change)));
  expect(outcome.outcome).toBe('inserted');
}

/** A key of the same id in each of the two. */
export async function twins(pair: Pair, change: Partial<NewApiKey> = {}): Promise<string> {
  const keyId = change.keyId ?? newId();
  await seedKey(pair, pair.victim, { name: 'victim', ...change, keyId });
  await seedKey(pair, pair.tenant, { name: 'tenant', ...change, keyId });
  return keyId;
}

/** A key that only the victim has. */
export async function victimsKey(pair: Pair, change: Partial<NewApiKey> = {}): Promise<string> {
  const keyId = change.keyId ?? newId();
  await seedKey(pair, pair.victim, { name: 'victim', ...change, keyId });
  return keyId;
}

/** The victim's rows look as if this very change had been made to them. */
export async function mark(
  { run, victim }: Pair,
  table: 'api_keys' | 'tenants' | 'admin_credentials',
  { eventId }: NewAuditEvent,
): Promise<void> {
  await run(`UPDATE ${table} SET changed_by = '${eventId}' WHERE nid = '${victim}'`);
}

export const eventOf = (tenantId: string, targetId: string) => auditOf(tenantId, targetId);
