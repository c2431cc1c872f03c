/** Signing keys in D1. Guards stand in the statements: D1 has no interactive transactions. */

import { and, asc, eq, inArray, isNull, lte, ne, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { NewSigningKey } from '../signing-keys/signing-key.ts';
import type { KeyDurations, SigningKeyStore } from '../signing-keys/store.ts';
import { answered } from './answered.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { signingKeys } from './schema.d1.ts';
import { toSigningKey } from './signing-key-row.ts';

const NOW = sql`unixepoch()`;

export function createSigningKeyStore(database: D1Database): SigningKeyStore {
  const db = drizzle(database);
  return {
    async list(tenantId) {
      const rows = await answered(
        db
          .select()
          .from(signingKeys)
          .where(eq(signingKeys.nid, tenantId))
          .orderBy(asc(signingKeys.createdAtS), asc(signingKeys.kid)),
      );
      return rows.map(toSigningKey);
    },

    async listAll() {
      const query = db.select().from(signingKeys);
      const rows = await answered(query.orderBy(asc(signingKeys.createdAtS), asc(signingKeys.kid)));
      return rows.map(toSigningKey);
    },

    async insertPending(key, audit) {
      const insert = insertWhere(database, key, `nid = ? AND state = 'pending'`);
      const wasInserted = sql`EXISTS (SELECT 1 FROM ${signingKeys}
        WHERE ${and(eq(signingKeys.nid, key.tenantId), eq(signingKeys.kid, key.kid))})`;
      const event = auditInsert(db, audit, wasInserted).toSQL();
      const record = database.prepare(event.sql).bind(...event.params);
      const [inserted] = await answered(database.batch([insert, record]));
      return inserted?.meta.changes === 1 ? 'inserted' : 'pending_exists';
    },

    async insertFirst(key) {
      const inserted = await answered(insertWhere(database, key, 'nid = ?').run());
      return inserted.meta.changes === 1 ? 'inserted' : 'not_first';
    },

    async markPublished(tenantId, kids) {
      const unmarked = and(
        eq(signingKeys.nid, tenantId),
        inArray(signingKeys.kid, [...kids]),
        isNull(signingKeys.publishedAtS),
      );
      await answered(db.update(signingKeys).set({ publishedAtS: NOW }).where(unmarked));
    },

    promote: (tenantId, durations) => promote(database, tenantId, durations),

    async listSealed() {
      return answered(
        db
          .select({
            tenantId: signingKeys.nid,
            kid: signingKeys.kid,
            sealedPrivateJwk: signingKeys.sealedPrivateJwk,
          })
          .from(signingKeys)
          .where(ne(signingKeys.state, 'retired')),
      );
    },

    async reseal({ tenantId, kid, oldSealed, newSealed }) {
      const isUnchanged = and(
        eq(signingKeys.nid, tenantId),
        eq(signingKeys.kid, kid),
        eq(signingKeys.sealedPrivateJwk, oldSealed),
      );
      await answered(
        db.update(signingKeys).set({ sealedPrivateJwk: newSealed }).where(isUnchanged),
      );
    },

    async retireDue(tenantId) {
      const due = and(
        eq(signingKeys.nid, tenantId),
        eq(signingKeys.state, 'retiring'),
        lte(signingKeys.retiredAtS, NOW),
      );
      const retired = { state: 'retired', sealedPrivateJwk: '' } as const;
      await answered(db.update(signingKeys).set(retired).where(due));
    },

    replaceRevoked: (kids, replacement) => replaceRevoked(database, kids, replacement),
  };
}

/** A statement that inserts a pending key unless a key that matches `unless` (whose one parameter is `nid`) exists. */
function insertWhere(
  database: D1Database,
  key: NewSigningKey,
  unless: string,
): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO signing_keys
         (nid, kid, algorithm, state, public_jwk, sealed_private_jwk, created_at_s)
       SELECT ?, ?, ?, 'pending', ?, ?, unixepoch()
       WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE ${unless})`,
    )
    .bind(
      ...[key.tenantId, key.kid, key.algorithm, JSON.stringify(key.publicJwk)],
      ...[key.sealedPrivateJwk, key.tenantId],
    );
}

/**
 * One batch. The second statement does not trust that the first one did something: it activates only
 * where no key is active, so the clock may tick between the two without leaving two active keys.
 */
async function promote(
  database: D1Database,
  tenantId: string,
  { boundSeconds, retiringSeconds }: KeyDurations,
): Promise<'promoted' | 'not_due'> {
  const retire = database
    .prepare(
      `UPDATE signing_keys SET state = 'retiring', retired_at_s = unixepoch() + ?2
       WHERE nid = ?1 AND state = 'active' AND EXISTS (
         SELECT 1 FROM signing_keys successor
         WHERE successor.nid = ?1 AND successor.state = 'pending'
           AND successor.published_at_s + ?3 <= unixepoch())`,
    )
    .bind(tenantId, retiringSeconds, boundSeconds);
  const activate = database
    .prepare(
      `UPDATE signing_keys SET state = 'active', activated_at_s = unixepoch()
       WHERE nid = ?1 AND state = 'pending' AND published_at_s IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM signing_keys WHERE nid = ?1 AND state = 'active')
         AND (published_at_s + ?2 <= unixepoch() OR NOT EXISTS (
           SELECT 1 FROM signing_keys WHERE nid = ?1 AND activated_at_s IS NOT NULL))`,
    )
    .bind(tenantId, boundSeconds);
  const [, activated] = await answered(database.batch([retire, activate]));
  return activated?.meta.changes === 1 ? 'promoted' : 'not_due';
}

/** One batch: the tenant is at no moment without a key that signs or will sign. */
async function replaceRevoked(
  database: D1Database,
  kids: readonly string[],
  replacement: NewSigningKey,
): Promise<void> {
  const retire = database
    .prepare(
      `UPDATE signing_keys
       SET state = 'retired', sealed_private_jwk = '', retired_at_s = unixepoch()
       WHERE nid = ? AND state <> 'retired' AND kid IN (SELECT value FROM json_each(?))`,
    )
    .bind(replacement.tenantId, JSON.stringify(kids));
  const unless = `nid = ? AND state IN ('pending', 'active')`;
  const insert = insertWhere(database, replacement, unless);
  await answered(database.batch([retire, insert]));
}
