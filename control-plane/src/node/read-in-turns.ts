/**
 * Reads that are asked for within one turn of the event loop leave together, in one statement for each
 * tenant. The busier the process, the more requests come within a turn, and the less each of them costs;
 * one that is alone waits for nobody. Nothing is remembered: what is asked for after a statement has left
 * goes with the next one, and if a statement fails, all that it was to answer fail with it.
 */

import type { QueryOfTenant, ReadMany } from '../database/read-together.ts';

/** Bounds a statement's parameters, and how long a tenant's first query waits for its last. */
const QUERIES_TOGETHER_MAX = 100;

interface Waiting<Query, Answer> {
  readonly query: Query;
  readonly resolve: (answer: Answer | PromiseLike<Answer>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A `ReadTogether` for a process that lives on. */
export function readInTurns<Query extends QueryOfTenant, Answer>(
  readMany: ReadMany<Query, Answer>,
): (query: Query) => Promise<Answer> {
  let tenants = new Map<string, Waiting<Query, Answer>[]>();

  const leave = () => {
    const leaving = tenants;
    tenants = new Map();
    for (const [tenantId, reads] of leaving) {
      for (let from = 0; from < reads.length; from += QUERIES_TOGETHER_MAX) {
        void answer(readMany, tenantId, reads.slice(from, from + QUERIES_TOGETHER_MAX));
      }
    }
  };

  return (query) =>
    new Promise((resolve, reject) => {
      // The check phase comes when every socket that had something to say in this turn has said it.
      if (tenants.size === 0) setImmediate(leave);
      const reads = tenants.get(query.tenantId) ?? [];
      reads.push({ query, resolve, reject });
      tenants.set(query.tenantId, reads);
    });
}

/** Never rejects: those who wait are told. */
async function answer<Query, Answer>(
  readMany: ReadMany<Query, Answer>,
  tenantId: string,
  reads: readonly Waiting<Query, Answer>[],
): Promise<void> {
  try {
    const answers = await readMany(
      tenantId,
      reads.map(({ query }) => query),
    );
    for (const [i, { resolve }] of reads.entries()) resolve(answers[i] as Answer);
  } catch (error) {
    for (const { reject } of reads) reject(error);
  }
}
