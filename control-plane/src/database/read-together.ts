/**
 * How the stores read rows that many requests ask for one at a time. A statement that reads thirty keys
 * costs the database and the driver little more than one that reads a single key; so the statements of
 * the hot path take lists, and whoever runs the stores decides how queries become lists. No I/O.
 */

export interface QueryOfTenant {
  readonly tenantId: string;
}

/** Answers queries of one tenant by one statement, in their order. */
export type ReadMany<Query, Answer> = (
  tenantId: string,
  queries: readonly Query[],
) => Promise<readonly Answer[]>;

/** Makes a read of many into a read of one. What is read is never older than the question. */
export type ReadTogether = <Query extends QueryOfTenant, Answer>(
  readMany: ReadMany<Query, Answer>,
) => (query: Query) => Promise<Answer>;

/** Each query by itself. On Workers always: requests there must not wait for each other's promises. */
export const readAlone: ReadTogether = (readMany) => async (query) => {
  const [answer] = await readMany(query.tenantId, [query]);
  return answer as Awaited<ReturnType<typeof readMany>>[number];
};
