/**
 * Admin credentials in D1. What a later statement of a batch does depends on the mark (`changed_by`)
 * that an earlier one left.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, asc, eq, getTableColumns, gt, isNull, or, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type {
  AdminCredentialStore,
  CredentialEnd,
  CredentialReplacement,
  CredentialScope,
} from '../admin-credentials/store.ts';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { toCredential } from './admin-credential-row.ts';
import { answered } from './answered.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { adminCredentials } from './schema.d1.ts';

/** A row together with the time at which it was read. */
const CREDENTIAL_AND_NOW = { ...getTableColumns(adminCredentials), nowMs: NOW_MS.as('now_ms') };

export function createAdminCredentialStore(database: D1Database): AdminCredentialStore {
  const db = drizzle(database);
  return {
    async insert(credential, audit) {
      const { credentialId, tenantId = null, name, role, secretHash, end } = credential;
      const [[row]] = await answered(
        db.batch([
          db
            .insert(adminCredentials)
            .values({
              ...{ credentialId, nid: tenantId, name, role, secretHash },
              ...{ createTimeMs: NOW_MS, expireTimeMs: endOf(end), changedBy: audit.eventId },
            })
            .returning(),
          auditInsert(db, audit, wasChangedBy(credentialId, audit)),
        ]),
      );
      if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
      return toCredential(row);
    },

    async find(credentialId) {
      const [row] = await answered(
        db
          .select(CREDENTIAL_AND_NOW)
          .from(adminCredentials)
          .where(eq(adminCredentials.credentialId, credentialId)),
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

    async revoke({ credentialId, audit, ...scope }) {
      const isMeant = and(eq(adminCredentials.credentialId, credentialId), isWithin(scope));
      const [[revoked], [present]] = await answered(
        db.batch([
          db
            .update(adminCredentials)
            .set({ revokeTimeMs: NOW_MS, changedBy: audit.eventId })
            .where(and(isMeant, isNotRevoked))
            .returning(),
          db.select({ name: adminCredentials.name }).from(adminCredentials).where(isMeant),
          auditInsert(db, audit, wasChangedBy(credentialId, audit)),
        ]),
      );
      if (revoked !== undefined) return 'revoked';
      return present === undefined ? 'not_found' : 'already_revoked';
    },

    replace: (replacement) => replace(db, replacement),
  };
}

function endOf(end: CredentialEnd): SQL {
  return 'expireTime' in end
    ? sql`${end.expireTime}`
    : sql`${NOW_MS} + CAST(${end.afterSeconds} * 1000 AS INTEGER)`;
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

/** Holds once the credential carries the mark of this change. */
function wasChangedBy(credentialId: string, { eventId }: NewAuditEvent): SQL {
  return sql`EXISTS (SELECT 1 FROM ${adminCredentials} AS changed
    WHERE changed.credential_id = ${credentialId} AND changed.changed_by = ${eventId})`;
}

/** The new one comes first, while the old one can still be seen to be active. */
async function replace(
  db: DrizzleD1Database,
  { oldCredentialId, overlapSeconds, replacement, audit, ...scope }: CredentialReplacement,
): ReturnType<AdminCredentialStore['replace']> {
  const { credentialId, secretHash } = replacement;
  const isOld = and(eq(adminCredentials.credentialId, oldCredentialId), isWithin(scope));
  const wasReplaced = wasChangedBy(credentialId, audit);
  // Every column in the order of the schema: drizzle names them so.
  const heir = sql`SELECT ${credentialId}, ${adminCredentials.nid}, ${adminCredentials.name},
    ${adminCredentials.role}, ${secretHash}, ${NOW_MS}, ${adminCredentials.expireTimeMs}, NULL,
    ${audit.eventId} FROM ${adminCredentials} WHERE ${and(isOld, isReplaceable)}`;
  const ending = {
    revokeTimeMs: sql`${NOW_MS} + CAST(${overlapSeconds} * 1000 AS INTEGER)`,
    changedBy: audit.eventId,
  };
  const [[credential], [old], [present]] = await answered(
    db.batch([
      db.insert(adminCredentials).select(heir).returning(),
      db.update(adminCredentials).set(ending).where(and(isOld, wasReplaced)).returning(),
      db.select({ name: adminCredentials.name }).from(adminCredentials).where(isOld),
      auditInsert(db, audit, wasReplaced),
    ]),
  );
  if (credential !== undefined && old !== undefined) {
    return { outcome: 'replaced', credential: toCredential(credential), old: toCredential(old) };
  }
  return { outcome: present === undefined ? 'not_found' : 'not_active' };
}
