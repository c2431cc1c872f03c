/** Guarantee: whoever asks gets the answer to their own question, read after they asked, or its failure. */

import { expect, test } from 'vitest';
import { readInTurns } from './read-in-turns.ts';

interface Query {
  readonly tenantId: string;
  readonly id: number;
}

/** Notes what each statement was asked; answers when told. */
function statements() {
  const asked: Array<readonly [tenantId: string, ids: readonly number[]]> = [];
  const ends: Array<(error?: Error) => void> = [];
  const read = readInTurns(async (tenantId: string, queries: readonly Query[]) => {
    asked.push([tenantId, queries.map(({ id }) => id)]);
    await new Promise<void>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
    return queries.map(({ id }) => `${tenantId} ${id}`);
  });
  return { asked, ends, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('one turn is one statement a tenant, and each question has its own answer', async () => {
  const { asked, ends, read } = statements();
  const queries = [1, 2, 1, 3].map((id, i) => ({ tenantId: i === 1 ? 'b' : 'a', id }));
  const answers = Promise.all(queries.map(read));
  expect(asked).toEqual([]);
  await turn();
  expect(asked).toEqual([
    ['a', [1, 1, 3]],
    ['b', [2]],
  ]);
  for (const end of ends) end();
  expect(await answers).toEqual(['a 1', 'b 2', 'a 1', 'a 3']);
});

test('a question never joins a statement that has left', async () => {
  const { asked, ends, read } = statements();
  const first = read({ tenantId: 'a', id: 1 });
  await turn();
  const second = read({ tenantId: 'a', id: 1 });
  await turn();
  expect(asked).toEqual([
    ['a', [1]],
    ['a', [1]],
  ]);
  ends[1]?.();
  expect(await second).toBe('a 1');
  ends[0]?.();
  expect(await first).toBe('a 1');
});

test('a statement that fails fails for those alone who waited for it', async () => {
  const { ends, read } = statements();
  const failing = Promise.allSettled([1, 2].map((id) => read({ tenantId: 'a', id })));
  const other = read({ tenantId: 'b', id: 3 });
  await turn();
  const error = new Error('outage');
  ends[0]?.(error);
  ends[1]?.();
  expect(await failing).toEqual(Array(2).fill({ status: 'rejected', reason: error }));
  expect(await other).toBe('b 3');
  const later = read({ tenantId: 'a', id: 4 });
  await turn();
  ends[2]?.();
  expect(await later).toBe('a 4');
});

test.each([
  [100, [100]],
  [101, [100, 1]],
  [250, [100, 100, 50]],
])('%i questions of a turn are statements of %j', async (count, lengths) => {
  const { asked, ends, read } = statements();
  const ids = Array.from({ length: count }, (_, i) => i);
  const answers = Promise.all(ids.map((id) => read({ tenantId: 'a', id })));
  await turn();
  expect(asked.map(([, list]) => list.length)).toEqual(lengths);
  for (const end of ends) end();
  expect(await answers).toEqual(ids.map((id) => `a ${id}`));
});
