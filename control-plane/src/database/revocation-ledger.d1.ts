/** Revocations of administrators, and the list of all of them, in D1. */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import {
  and,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  type SQL,
  sql,
} from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type {
  CreateOutcome,
  RevocationCreation,
  RevocationLedger,
  RevocationQuery,
  RevocationStage,
} from '../revocations/ledger.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { answered } from './answered.ts';
import { auditInsertEach } from './audit-rows.d1.ts';
import { NOW_S } from './clock.d1.ts';
import { outcomeOfClaim, type RevocationClaim } from './revocation-claim.ts';
import {
  isClaimedFor,
  isUnclaimed,
  readRevocationClaim,
  revocationClaim,
} from './revocation-claims.d1.ts';
import { toRevocation } from './revocation-row.ts';
import { revocationsInsert } from './revocation-rows.d1.ts';
import { revocations } from './schema.d1.ts';

export function createRevocationLedger(database: D1Database): RevocationLedger {
  const db = drizzle(database);
  return {
    create: (creation) => create(db, creation),

    findMany: async (tenantId, revocationIds) =>
      pageOf(await answered(select(db, isOneOf(tenantId, revocationIds)))),

    async list(query) {
      const { pageSize } = query;
      const rows = await answered(
        select(db, conditionOf(query))
          .orderBy(desc(revocations.createdAtS), desc(revocations.revocationId))
          .limit(pageSize + 1),
      );
      return { ...pageOf(rows.slice(0, pageSize)), hasMore: rows.length > pageSize };
    },
  };
}

function select(db: DrizzleD1Database, condition: SQL | undefined) {
  return db
    .select({ ...getTableColumns(revocations), nowS: NOW_S.as('now_s') })
    .from(revocations)
    .where(condition);
}

type Row = Awaited<ReturnType<typeof select>>[number];

function pageOf(rows: readonly Row[]) {
  // Without a row there is nothing to judge by the time.
  return { revocations: rows.map(toRevocation), now: unixSeconds(rows[0]?.nowS ?? 0) };
}

function isOneOf(tenantId: string, revocationIds: readonly string[]): SQL | undefined {
  const isNamed = inArray(revocations.revocationId, elementsOf(revocationIds));
  return and(eq(revocations.nid, tenantId), isNamed);
}

function elementsOf(texts: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(texts)}))`;
}

function conditionOf(query: RevocationQuery): SQL | undefined {
  const { after, isAcknowledged, scope, scopeIds, since, stage, until } = query;
  const { acknowledged, createdAtS, nid, revocationId, scope: kind, scopeId } = revocations;
  return and(
    eq(nid, query.tenantId),
    scope === undefined ? undefined : eq(kind, scope),
    scopeIds === undefined ? undefined : inArray(scopeId, elementsOf(scopeIds.map(formatScopeId))),
    stage === undefined ? undefined : STAGES[stage],
    isAcknowledged === undefined ? undefined : eq(acknowledged, isAcknowledged ? 1 : 0),
    since === undefined ? undefined : gte(createdAtS, since),
    until === undefined ? undefined : lt(createdAtS, until),
    after === undefined
      ? undefined
      : sql`(${createdAtS}, ${revocationId}) < (${after.createdAtSeconds}, ${after.revocationId})`,
  );
}

const IS_LIVE = and(gt(revocations.expiresAtS, NOW_S), lte(revocations.effectiveAtS, NOW_S));

/** The order of precedence of `revocations/status`, in SQL. */
const STAGES: Readonly<Record<RevocationStage, SQL | undefined>> = {
  waiting: and(gt(revocations.effectiveAtS, NOW_S), gt(revocations.expiresAtS, NOW_S)),
  unpublished: and(IS_LIVE, isNull(revocations.publishedSeq)),
  published: and(IS_LIVE, isNotNull(revocations.publishedSeq)),
  ended: lte(revocations.expiresAtS, NOW_S),
};

/**
 * One batch. The request id comes first: whatever follows happens only if it is this request that took
 * it.
 */
async function create(
  db: DrizzleD1Database,
  { tenantId, items, idempotency }: RevocationCreation,
): Promise<CreateOutcome> {
  const [first] = items;
  if (first === undefined) throw new TypeError('There is nothing to revoke.');
  const { revocationId } = first.revocation;
  if (idempotency === undefined) {
    const [statement, ...others] = rowsOf(db, items, sql`TRUE`);
    if (statement !== undefined) await answered(db.batch([statement, ...others]));
    return created(db, items);
  }
  const claim: RevocationClaim = { tenantId, ...idempotency, revocationId };
  const [, [claimed]] = await answered(
    db.batch([
      revocationClaim(db, claim, isUnclaimed(claim)),
      readRevocationClaim(db, claim),
      ...rowsOf(db, items, isClaimedFor(claim)),
    ]),
  );
  if (claimed === undefined) throw new TypeError('A request id that was taken is not there.');
  return claimed.revocationId === revocationId
    ? created(db, items)
    : outcomeOfClaim(claimed, claim);
}

/** Rows of one statement: they travel as one parameter, of 2 MB at most, and names may be long. */
const STATEMENT_ROWS_MAX = 250;

/** For a batch: the rows, and the event of each row that is there. */
function rowsOf(db: DrizzleD1Database, items: RevocationCreation['items'], guard: SQL) {
  const wasWritten = (event: SQL) => sql`EXISTS (SELECT 1 FROM ${revocations} AS written
    WHERE written.nid = ${event} ->> 'nid' AND written.revocation_id = ${event} ->> 'target_id')`;
  const starts = Array.from(
    { length: Math.ceil(items.length / STATEMENT_ROWS_MAX) },
    (_, i) => i * STATEMENT_ROWS_MAX,
  );
  return starts.flatMap((start) => {
    const some = items.slice(start, start + STATEMENT_ROWS_MAX);
    const news = some.map(({ revocation }) => revocation);
    const events = some.map(({ audit }) => audit);
    return [revocationsInsert(db, news, guard), auditInsertEach(db, events, wasWritten)];
  });
}

async function created(
  db: DrizzleD1Database,
  items: RevocationCreation['items'],
): Promise<CreateOutcome> {
  const ids = items.map(({ revocation }) => revocation.revocationId);
  const { tenantId = '' } = items[0]?.revocation ?? {};
  const written = await answered(select(db, isOneOf(tenantId, ids)));
  const rows = new Map(written.map((row) => [row.revocationId, toRevocation(row)]));
  const made = ids.flatMap((id) => rows.get(id) ?? []);
  // Committed, and gone at once: the database fell back to a state without them.
  if (made.length < items.length) throw new StoreUnavailable();
  return { outcome: 'created', revocations: made };
}
