/**
 * Shows that each condition on the tenant is needed: runs the checks of isolation with one condition
 * of one statement taken away, and names those conditions that nobody misses.
 */

import type { Stores, Subject } from '../contracts/subject.ts';
import type { Check } from './pair.ts';
import {
  asksForEveryTenant,
  rewritten,
  TENANT_TABLES,
  tenantConditions,
  withoutTenant,
  withTenant,
} from './tenant-conditions.ts';

type Rewrite = (sql: string) => string;

export interface IsolationWorld {
  /** Stores each of whose statements is put through `rewrite` before the driver gets it. */
  readonly storesThrough: (rewrite: Rewrite) => Stores;
  readonly run: Subject['run'];
  /** The rows of several queries, in one go if the database can. */
  readonly runEach: (
    queries: readonly string[],
  ) => Promise<ReadonlyArray<ReadonlyArray<Record<string, unknown>>>>;
}

interface Mutant {
  readonly sql: string;
  readonly place: number;
}

/** Which checks executed which statement. */
type Executed = ReadonlyMap<string, ReadonlySet<Check>>;

/** Runs every check as it is, in both orders of the two tenants, with `change` on every condition. */
export async function runAll(
  world: IsolationWorld,
  checks: readonly Check[],
  change: (condition: string) => string = withTenant,
): Promise<Executed> {
  const executed = new Map<string, Set<Check>>();
  let current: Check | undefined;
  const act = world.storesThrough((sql) => {
    if (current !== undefined) executed.set(sql, (executed.get(sql) ?? new Set()).add(current));
    return rewritten(sql, change);
  });
  for (const check of checks) {
    current = check;
    await inBothOrders(check, world, act);
  }
  return executed;
}

/** Every mutant of the statements, and those of them that no check finds. */
export async function findSurvivors(
  world: IsolationWorld,
  executed: Executed,
): Promise<{ readonly count: number; readonly survivors: readonly string[] }> {
  const mutants = [...executed.keys()].flatMap((sql) =>
    tenantConditions(sql).map((_, place) => ({ sql, place })),
  );
  const survivors: string[] = [];
  for (const mutant of mutants) {
    const checks = executed.get(mutant.sql) ?? new Set();
    if (!(await isFound(world, mutant, checks))) survivors.push(describeMutant(mutant));
  }
  return { count: mutants.length, survivors };
}

async function isFound(
  world: IsolationWorld,
  { sql, place }: Mutant,
  checks: ReadonlySet<Check>,
): Promise<boolean> {
  const mutated = rewritten(sql, withoutTenant, place);
  const act = world.storesThrough((text) => (text === sql ? mutated : text));
  for (const check of checks) {
    try {
      await inBothOrders(check, world, act);
    } catch {
      return true; // The runs with `withTenant` show that it is the condition that was missed.
    }
  }
  return false;
}

/** Which of two rows a statement finds first may depend on their order: no check relies on it. */
async function inBothOrders(check: Check, world: IsolationWorld, act: Stores): Promise<void> {
  const seed = world.storesThrough((sql) => sql);
  for (const isVictimFirst of [true, false]) {
    const [low = '', high = ''] = [crypto.randomUUID(), crypto.randomUUID()].sort();
    const [victim, tenant] = isVictimFirst ? [low, high] : [high, low];
    const { run } = world;
    const rows = (tenantIds: readonly string[]) => rowsOf(world, tenantIds);
    await check.run({ victim, tenant, seed, act, run, rowsOf: rows });
  }
}

/** Every row of the tenants in every table, in no order that depends on the database. */
async function rowsOf(
  { runEach }: IsolationWorld,
  tenantIds: readonly string[],
): Promise<readonly string[]> {
  const list = tenantIds.map((tenantId) => `'${tenantId}'`).join(', ');
  const queries = TENANT_TABLES.map((table) => `SELECT * FROM ${table} WHERE nid IN (${list})`);
  const found = await runEach(queries);
  const texts = found.flatMap((rows, place) =>
    rows.map((row) => `${TENANT_TABLES[place]} ${JSON.stringify(row)}`),
  );
  return texts.sort();
}

/** With its neighbourhood, so that it can be found in the source. */
function describeMutant({ sql, place }: Mutant): string {
  const { start = 0, end = 0 } = tenantConditions(sql)[place] ?? {};
  const short = sql.replace(/\s+/g, ' ').slice(0, 80);
  return `${short} … ${sql.slice(Math.max(0, start - 60), start)}[${sql.slice(start, end)}]${sql.slice(end, end + 40)}`;
}

/** Statements about tenants' rows that ask for no tenant, with the checks that executed them. */
export function unaskedStatements(executed: Executed): readonly string[] {
  return [...executed.keys()].filter(asksForEveryTenant);
}
