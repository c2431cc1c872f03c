/**
 * What minting reads, from PostgreSQL: one statement, so one snapshot.
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
import { and, eq, inArray, max, or, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { MintingMoment, MintingQuery, MintingStore } from '../tokens/minting-store.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { KEY_ROW_JSON, parseKeyRow } from './api-key-row.pg.ts';
import { toApiKey } from './api-key-row.ts';
import { CLOCK_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { elementsOf, isLive, isOfTenant } from './revocation-store.pg.ts';
import { apiKeys, revocations, signingKeys } from './schema.pg.ts';

/** Milliseconds: the start of the transaction, which comes before its snapshot. */
const START_MS = sql<number>`floor(extract(epoch FROM now()) * 1000)::bigint`.mapWith(Number);

/** Somebody has locked, changed or removed this version of the row, or has tried to. */
const IS_TOUCHED = sql<boolean>`(${apiKeys}.xmax <> '0'::xid)`;

export function createMintingStore(db: PostgresDatabase): MintingStore {
  // Prepared once: every exchange reads it.
  const moment = momentQuery(db, ASKED, START_MS).prepare('cardea_minting_moment');
  return {
    async read(query) {
      const { tenantId, keyId } = query;
      const parameters = { tenantId, keyId, scopeIds: JSON.stringify(scopesOf(query)) };
      const found = toMoment(await answered(moment.execute(parameters)));
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
  const [lock] = await tx
    .update(apiKeys)
    .set({ revision: sql`${apiKeys.revision}` })
    .where(isKey(query))
    .returning({ nowMs: CLOCK_MS });
  if (lock === undefined) return undefined;
  const clock = sql<number>`${lock.nowMs}::bigint`.mapWith(Number);
  return toMoment(await momentQuery(tx, { ...query, scopeIds: scopesOf(query) }, clock))?.moment;
}

function isKey({ tenantId, keyId }: Pick<Asked, 'tenantId' | 'keyId'>): SQL | undefined {
  return and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId));
}

/** What is asked for: texts, or places for them in a prepared statement. */
interface Asked {
  readonly tenantId: string | Placeholder;
  readonly keyId: string | Placeholder;
  readonly scopeIds: readonly string[] | Placeholder;
}

const ASKED: Asked = {
  tenantId: sql.placeholder('tenantId'),
  keyId: sql.placeholder('keyId'),
  scopeIds: sql.placeholder('scopeIds'),
};

function scopesOf({ scopeIds }: MintingQuery): string[] {
  return scopeIds.map(formatScopeId);
}

function momentQuery(db: PostgresDatabase, query: Asked, clock: SQL<number>) {
  return db
    .select({
      keyJson: KEY_ROW_JSON.as('key_json'),
      nowMs: clock.as('now_ms'),
      isTouched: IS_TOUCHED.as('is_touched'),
      signingKey: {
        tenantId: signingKeys.nid,
        kid: signingKeys.kid,
        algorithm: signingKeys.algorithm,
        sealedPrivateJwk: signingKeys.sealedPrivateJwk,
      },
      bounds: sql<string>`(${boundsOf(db, query)})`.as('bounds'),
    })
    .from(apiKeys)
    .leftJoin(signingKeys, and(eq(signingKeys.nid, apiKeys.nid), eq(signingKeys.state, 'active')))
    .where(isKey(query));
}

type MomentRow = Awaited<ReturnType<typeof momentQuery>>[number];

function toMoment([row]: readonly MomentRow[]): Found | undefined {
  if (row === undefined) return undefined;
  const key = parseKeyRow(row.keyJson);
  const moment = {
    key: toApiKey(key),
    secretHash: key.secretHash,
    now: unixMilliseconds(row.nowMs),
    bounds: new Map(parseBounds(row.bounds)),
    ...(row.signingKey === null ? {} : { signingKey: row.signingKey }),
  };
  return { moment, isTouched: row.isTouched };
}

interface Found {
  readonly moment: MintingMoment;
  readonly isTouched: boolean;
}

/** A JSON array of `[scope id, bound]`, as text. */
function boundsOf(db: PostgresDatabase, { tenantId, scopeIds }: Asked): SQL {
  const isOfScope = or(
    eq(revocations.scope, 'signing_key'),
    inArray(revocations.scopeId, elementsOf(scopeIds)),
  );
  const highest = db
    .select({ scopeId: revocations.scopeId, bound: max(revocations.boundS).as('bound') })
    .from(revocations)
    .where(and(isOfTenant(tenantId), isOfScope, isLive))
    .groupBy(revocations.scopeId)
    .as('highest');
  return sql`SELECT coalesce(json_agg(json_build_array(${highest.scopeId}, ${highest.bound})), '[]')::text
    FROM ${highest}`;
}

/** Our own text, made by `boundsOf`. */
function parseBounds(json: string): ReadonlyArray<readonly [string, number]> {
  return JSON.parse(json);
}
