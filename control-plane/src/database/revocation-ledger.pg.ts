/** Revocations of administrators, and the list of all of them, in PostgreSQL. */

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
import type {
  CreateOutcome,
  RevocationCreation,
  RevocationLedger,
  RevocationQuery,
  RevocationStage,
} from '../revocations/ledger.ts';
import type { Revocation } from '../revocations/revocation.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { claimRevocation } from './revocation-claims.pg.ts';
import { toRevocation } from './revocation-row.ts';
import { insertRevocations } from './revocation-rows.pg.ts';
import { elementsOf, isLive } from './revocation-store.pg.ts';
import { revocations } from './schema.pg.ts';

export function createRevocationLedger(db: PostgresDatabase): RevocationLedger {
  return {
    async create(creation) {
      const outcome = await inTransaction(db, (tx) => create(tx, creation));
      return outcome.outcome === 'created' ? raise(db, creation, outcome.revocations) : outcome;
    },

    async findMany(tenantId, revocationIds) {
      const isNamed = inArray(revocations.revocationId, elementsOf(revocationIds));
      const rows = await answered(select(db, and(eq(revocations.nid, tenantId), isNamed)));
      return pageOf(rows);
    },

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

function select(db: PostgresDatabase, condition: SQL | undefined) {
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
      : sql`(${createdAtS}, ${revocationId})
          < (${after.createdAtSeconds}::bigint, ${after.revocationId}::text)`,
  );
}

/** The order of precedence of `revocations/status`, in SQL. */
const STAGES: Readonly<Record<RevocationStage, SQL | undefined>> = {
  waiting: and(gt(revocations.effectiveAtS, NOW_S), gt(revocations.expiresAtS, NOW_S)),
  unpublished: and(isLive, isNull(revocations.publishedSeq)),
  published: and(isLive, isNotNull(revocations.publishedSeq)),
  ended: lte(revocations.expiresAtS, NOW_S),
};

async function create(
  tx: PostgresDatabase,
  { tenantId, items, idempotency }: RevocationCreation,
): Promise<CreateOutcome> {
  const [first] = items;
  if (first === undefined) throw new TypeError('There is nothing to revoke.');
  if (idempotency !== undefined) {
    const { revocationId } = first.revocation;
    const claimed = await claimRevocation(tx, { tenantId, ...idempotency, revocationId });
    if (claimed !== undefined) return claimed;
  }
  const written = await insertRevocations(
    tx,
    items.map(({ revocation }) => revocation),
  );
  await insertAuditEvents(
    tx,
    items.map(({ audit }) => audit),
  );
  const rows = new Map(written.map((row) => [row.revocationId, row]));
  const made = items.flatMap(({ revocation }) => rows.get(revocation.revocationId) ?? []);
  if (made.length < items.length) throw new TypeError('A revocation was not written.');
  return { outcome: 'created', revocations: made };
}

/**
 * A cut-off that names no time was given the clock of its statement, and was to be seen a moment later.
 * Whoever derived from an older token in between did not see it, and may have dated the new one after
 * it. So the bound moves up to a second that was read after the commit: everybody who reads from
 * then on sees the row, and refuses the older token.
 */
async function raise(
  db: PostgresDatabase,
  { tenantId, items }: RevocationCreation,
  made: readonly Revocation[],
): Promise<CreateOutcome> {
  const ids = items.flatMap(({ revocation: { bound, revocationId } }) =>
    bound === 'at_commit' ? revocationId : [],
  );
  if (ids.length === 0) return { outcome: 'created', revocations: made };
  const { boundS, expiresAtS, nid, revocationId } = revocations;
  const raised = await answered(
    db
      .update(revocations)
      .set({ boundS: NOW_S, expiresAtS: sql`${expiresAtS} + (${NOW_S} - ${boundS})` })
      .where(and(eq(nid, tenantId), inArray(revocationId, elementsOf(ids)), lt(boundS, NOW_S)))
      .returning(),
  );
  const rows = new Map(raised.map((row) => [row.revocationId, toRevocation(row)]));
  return { outcome: 'created', revocations: made.map((row) => rows.get(row.revocationId) ?? row) };
}
