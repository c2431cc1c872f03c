/**
 * What minting reads, from PostgreSQL: one statement for all the keys of a tenant that are asked for
 * together, so one snapshot.
 *
 * A cut-off must cover every token that was minted from what it changes, and here, unlike in D1, a
 * change commits some time after it has read the clock for its bound. A mint in between would read the
 * old key and might date its token after the bound. It is found out by the row itself: whoever
 * changes a key locks its row first (`xmax`), and reads the clock afterwards (`revocation-rows.pg`),
 * while the clock of this statement, `now()`, was read before the row. So either the row shows the
 * change, or the clock read here is no later than its bound.
 */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds } from '@cardea/shared/time';
import { and, eq, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { MintingMoment, MintingQuery, MintingStore } from '../tokens/minting-store.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { type JsonKeyRow, keyRowsJson, listOf, parseKeyRows } from './api-key-row.pg.ts';
import { toApiKey } from './api-key-row.ts';
import { CLOCK_MS, NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { type ReadTogether, readAlone } from './read-together.ts';
import { apiKeys, revocations, signingKeys } from './schema.pg.ts';

/** Milliseconds: the start of the transaction, which comes before its snapshot. */
const START_MS = sql<number>`floor(extract(epoch FROM now()) * 1000)::bigint`.mapWith(Number);

export function createMintingStore(
  db: PostgresDatabase,
  readTogether: ReadTogether = readAlone,
): MintingStore {
  // Prepared once: every exchange reads it.
  const moments = momentsQuery(db, ASKED, START_MS).prepare('cardea_minting_moments');
  const read = readTogether<MintingQuery, Found | undefined>(async (tenantId, queries) => {
    const rows = await answered(moments.execute({ tenantId, ...listsOf(queries) }));
    return toMoments(rows, queries);
  });
  return {
    async read(query) {
      const found = await read(query);
      if (found === undefined || !found.isTouched) return found?.moment;
      return inTransaction(db, (tx) => readLocked(tx, query));
    },
  };
}

/**
 * Waits for whoever changes the key, keeps others from it, then reads. The lock is an update that
 * changes nothing. It also cleans the row: the new version is untouched even if the old one was left
 * locked by somebody who gave up. (Had it to wait, its own lock shows until the next mint's update.)
 */
async function readLocked(
  tx: PostgresDatabase,
  query: MintingQuery,
): Promise<MintingMoment | undefined> {
  const { tenantId, keyId } = query;
  const [lock] = await tx
    .update(apiKeys)
    .set({ revision: sql`${apiKeys.revision}` })
    .where(and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId)))
    .returning({ nowMs: CLOCK_MS });
  if (lock === undefined) return undefined;
  const clock = sql<number>`${lock.nowMs}::bigint`.mapWith(Number);
  const rows = await momentsQuery(tx, { tenantId, ...listsOf([query]) }, clock);
  return toMoments(rows, [query])[0]?.moment;
}

/** What is asked for: texts, or places for them in a prepared statement. */
interface Asked {
  readonly tenantId: string | Placeholder;
  /** Lists, as `listOf` writes them. */
  readonly keyIds: string | Placeholder;
  readonly scopeIds: string | Placeholder;
}

const ASKED: Asked = {
  tenantId: sql.placeholder('tenantId'),
  keyIds: sql.placeholder('keyIds'),
  scopeIds: sql.placeholder('scopeIds'),
};

function listsOf(queries: readonly MintingQuery[]): Record<'keyIds' | 'scopeIds', string> {
  return {
    keyIds: listOf(queries.map(({ keyId }) => keyId)),
    scopeIds: listOf(queries.flatMap(({ scopeIds }) => scopeIds.map(formatScopeId))),
  };
}

/** One row, whatever is found. */
function momentsQuery(db: PostgresDatabase, asked: Asked, clock: SQL<number>) {
  return db
    .select({
      keysJson: keyRowsJson(asked).as('keys_json'),
      nowMs: clock.as('now_ms'),
      boundsJson: boundsJson(asked).as('bounds_json'),
      signingKey: {
        tenantId: signingKeys.nid,
        kid: signingKeys.kid,
        algorithm: signingKeys.algorithm,
        sealedPrivateJwk: signingKeys.sealedPrivateJwk,
      },
    })
    .from(sql`(VALUES (1)) AS moment`)
    .leftJoin(
      signingKeys,
      and(eq(signingKeys.nid, sql`${asked.tenantId}`), eq(signingKeys.state, 'active')),
    );
}

type MomentsRow = Awaited<ReturnType<typeof momentsQuery>>[number];

interface Found {
  readonly moment: MintingMoment;
  readonly isTouched: boolean;
}

/** In the order of the queries. */
function toMoments(
  [row]: readonly MomentsRow[],
  queries: readonly MintingQuery[],
): readonly (Found | undefined)[] {
  if (row === undefined) throw new TypeError('A select of one row returned none.');
  const keys = parseKeyRows(row.keysJson);
  const shared = {
    now: unixMilliseconds(row.nowMs),
    bounds: new Map(parseBounds(row.boundsJson)),
    ...(row.signingKey === null ? {} : { signingKey: row.signingKey }),
  };
  const toFound = (key: JsonKeyRow): Found => ({
    moment: { key: toApiKey(key), secretHash: key.secretHash, ...shared },
    isTouched: key.isTouched,
  });
  return queries.map(({ keyId }) => {
    const key = keys.get(keyId);
    return key === undefined ? undefined : toFound(key);
  });
}

/**
 * A JSON array of `[scope id, bound]`, as text. Three selects, each with an index of its own, and one
 * look-up for each scope id (`OFFSET 0`): what the planner guesses about a list does not matter then.
 */
function boundsJson({ tenantId, scopeIds }: Asked): SQL<string> {
  const columns = sql.raw('scope_id, bound_s, expires_at_s, effective_at_s');
  return sql<string>`(
    SELECT coalesce(json_agg(json_build_array(scope_id, bound)), '[]')::text FROM (
      SELECT scope_id, max(bound_s) AS bound FROM (
        SELECT ${columns} FROM ${revocations} WHERE nid = ${tenantId} AND scope = 'signing_key'
        UNION ALL
        SELECT of_scope.* FROM string_to_table(${scopeIds}, ',') AS asked (id)
          CROSS JOIN LATERAL (
            SELECT ${columns} FROM ${revocations}
            WHERE nid = ${tenantId} AND scope_id = asked.id OFFSET 0) AS of_scope
        UNION ALL
        SELECT ${columns} FROM ${revocations}
          WHERE scope = 'everything' AND scope_id = ANY (string_to_array(${scopeIds}, ','))
      ) AS bounds
      WHERE expires_at_s > ${NOW_S} AND effective_at_s <= ${NOW_S}
      GROUP BY scope_id) AS highest)`;
}

/** Our own text, made by `boundsJson`. */
function parseBounds(json: string): ReadonlyArray<readonly [string, number]> {
  return JSON.parse(json);
}
