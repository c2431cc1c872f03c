/** Admin credentials in PostgreSQL: each change and its audit event in one transaction. */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, asc, eq, getTableColumns, gt, isNull, or, type SQL, sql } from 'drizzle-orm';
import type {
  AdminCredentialStore,
  CredentialEnd,
  CredentialReplacement,
  CredentialScope,
} from '../admin-credentials/store.ts';
import { toCredential } from './admin-credential-row.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { adminCredentials } from './schema.pg.ts';

/** A row together with the time at which it was read. */
const CREDENTIAL_AND_NOW = { ...getTableColumns(adminCredentials), nowMs: NOW_MS.as('now_ms') };

export function createAdminCredentialStore(db: PostgresDatabase): AdminCredentialStore {
  return {
    insert: ({ tenantId = null, end, ...credential }, audit) =>
      inTransaction(db, async (tx) => {
        const [row] = await tx
          .insert(adminCredentials)
          .values({
            ...{ ...credential, nid: tenantId },
            ...{ createTimeMs: NOW_MS, expireTimeMs: endOf(end), changedBy: audit.eventId },
          })
          .returning();
        if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
        await insertAuditEvents(tx, [audit]);
        return toCredential(row);
      }),

    async find(credentialId) {
      const isMeant = eq(adminCredentials.credentialId, credentialId);
      const [row] = await answered(
        db.select(CREDENTIAL_AND_NOW).from(adminCredentials).where(isMeant),
      );
      if (row === undefined) return undefined;
      const { secretHash, nowMs } = row;
      return { credential: toCredential(row), secretHash, now: unixMilliseconds(nowMs) };
    },

    async list({ pageSize, afterCredentialId, ...scope }) {
      const { credentialId } = adminCredentials;
      const isAfter =
        afterCredentialId === undefined ? undefined : gt(credentialId, afterCredentialId);
      const rows = await answered(
        db
          .select(CREDENTIAL_AND_NOW)
          .from(adminCredentials)
          .where(and(isWithin(scope), isAfter))
          .orderBy(asc(credentialId))
          .limit(pageSize + 1),
      );
      const page = rows.slice(0, pageSize);
      const last = rows.length > pageSize ? page.at(-1) : undefined;
      return {
        credentials: page.map(toCredential),
        // Without a row there is nothing to judge by the time.
        now: unixMilliseconds(rows[0]?.nowMs ?? 0),
        ...(last === undefined ? {} : { nextAfterCredentialId: last.credentialId }),
      };
    },

    revoke: ({ credentialId, audit, ...scope }) =>
      inTransaction(db, async (tx) => {
        const isMeant = and(eq(adminCredentials.credentialId, credentialId), isWithin(scope));
        const revoked = await tx
          .update(adminCredentials)
          .set({ revokeTimeMs: NOW_MS, changedBy: audit.eventId })
          .where(and(isMeant, isNotRevoked))
          .returning({ credentialId: adminCredentials.credentialId });
        if (revoked.length === 0) return missing(tx, isMeant, 'already_revoked');
        await insertAuditEvents(tx, [audit]);
        return 'revoked';
      }),

    replace: (replacement) => inTransaction(db, (tx) => replace(tx, replacement)),
  };
}

/** Milliseconds. */
function endOf(end: CredentialEnd): SQL | number {
  return 'expireTime' in end
    ? end.expireTime
    : sql`${NOW_MS} + (${end.afterSeconds}::double precision * 1000)::bigint`;
}

function isWithin({ tenantId }: CredentialScope): SQL | undefined {
  return tenantId === undefined ? undefined : eq(adminCredentials.nid, tenantId);
}

const isNotRevoked = or(
  isNull(adminCredentials.revokeTimeMs),
  gt(adminCredentials.revokeTimeMs, NOW_MS),
);

/** Neither expired nor revoked, and no overlap of a rotation under way. */
const isReplaceable = and(
  isNull(adminCredentials.revokeTimeMs),
  or(isNull(adminCredentials.expireTimeMs), gt(adminCredentials.expireTimeMs, NOW_MS)),
);

/** The outcome of a change that found nothing to change: nothing there, or `otherwise`. */
async function missing<T>(
  tx: PostgresDatabase,
  isMeant: SQL | undefined,
  otherwise: T,
): Promise<T | 'not_found'> {
  const { credentialId } = adminCredentials;
  const present = await tx.select({ credentialId }).from(adminCredentials).where(isMeant);
  return present.length === 0 ? 'not_found' : otherwise;
}

/** The old one is changed first: whoever replaces it at the same moment waits, and finds it ended. */
async function replace(
  tx: PostgresDatabase,
  { oldCredentialId, overlapSeconds, replacement, audit, ...scope }: CredentialReplacement,
): ReturnType<AdminCredentialStore['replace']> {
  const isOld = and(eq(adminCredentials.credentialId, oldCredentialId), isWithin(scope));
  const [old] = await tx
    .update(adminCredentials)
    .set({
      revokeTimeMs: sql`${NOW_MS} + (${overlapSeconds}::double precision * 1000)::bigint`,
      changedBy: audit.eventId,
    })
    .where(and(isOld, isReplaceable))
    .returning();
  if (old === undefined) return { outcome: await missing(tx, isOld, 'not_active' as const) };
  const { nid, name, role, expireTimeMs } = old;
  const [row] = await tx
    .insert(adminCredentials)
    .values({
      ...{ ...replacement, nid, name, role, expireTimeMs },
      ...{ createTimeMs: NOW_MS, changedBy: audit.eventId },
    })
    .returning();
  if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'replaced', credential: toCredential(row), old: toCredential(old) };
}
