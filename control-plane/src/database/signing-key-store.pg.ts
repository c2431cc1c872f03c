/**
 * Signing keys in PostgreSQL. Two unique indexes see to it that a tenant has at most one pending and
 * one active key, whatever two writers do at the same moment.
 */

import {
  and,
  asc,
  eq,
  exists,
  inArray,
  isNotNull,
  isNull,
  lte,
  ne,
  notExists,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { NewSigningKey } from '../signing-keys/signing-key.ts';
import type { KeyDurations, SigningKeyStore } from '../signing-keys/store.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { elementsOf } from './revocation-store.pg.ts';
import { signingKeys } from './schema.pg.ts';
import { toSigningKey } from './signing-key-row.ts';

export function createSigningKeyStore(db: PostgresDatabase): SigningKeyStore {
  const oldestFirst = [asc(signingKeys.createdAtS), asc(signingKeys.kid)] as const;
  return {
    async list(tenantId) {
      const query = db.select().from(signingKeys).where(eq(signingKeys.nid, tenantId));
      return (await answered(query.orderBy(...oldestFirst))).map(toSigningKey);
    },

    async listAll() {
      const query = db.select().from(signingKeys);
      return (await answered(query.orderBy(...oldestFirst))).map(toSigningKey);
    },

    insertPending: (key, audit) =>
      inTransaction(db, async (tx) => {
        const inserted = await insertOnlyPending(tx, key);
        if (inserted.length === 0) return 'pending_exists';
        await insertAuditEvents(tx, [audit]);
        return 'inserted';
      }),

    async insertFirst(key) {
      const has = db.select({ kid: signingKeys.kid }).from(signingKeys);
      const isFirst = notExists(has.where(eq(signingKeys.nid, key.tenantId)));
      // A writer at the same moment leaves a pending key: the index keeps this one out.
      const inserted = await answered(insertOnlyPending(db, key, isFirst));
      return inserted.length === 1 ? 'inserted' : 'not_first';
    },

    async markPublished(tenantId, kids) {
      const unmarked = and(
        eq(signingKeys.nid, tenantId),
        inArray(signingKeys.kid, elementsOf(kids)),
        isNull(signingKeys.publishedAtS),
      );
      await answered(db.update(signingKeys).set({ publishedAtS: NOW_S }).where(unmarked));
    },

    promote: (tenantId, durations) => inTransaction(db, (tx) => promote(tx, tenantId, durations)),

    async listSealed() {
      const { nid: tenantId, kid, sealedPrivateJwk } = signingKeys;
      return answered(
        db
          .select({ tenantId, kid, sealedPrivateJwk })
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
        lte(signingKeys.retiredAtS, NOW_S),
      );
      const retired = { state: 'retired', sealedPrivateJwk: '' } as const;
      await answered(db.update(signingKeys).set(retired).where(due));
    },

    replaceRevoked: (kids, replacement) =>
      inTransaction(db, (tx) => replaceRevoked(tx, kids, replacement)),
  };
}

/** Inserts nothing if the tenant has a pending key, or if `guard` does not hold. */
function insertOnlyPending(db: PostgresDatabase, key: NewSigningKey, guard: SQL = sql`true`) {
  // Every column in the order of the schema: drizzle names them so.
  return db
    .insert(signingKeys)
    .select(
      sql`SELECT ${key.tenantId}::text, ${key.kid}::text, ${key.algorithm}::text, 'pending',
          ${JSON.stringify(key.publicJwk)}::text, ${key.sealedPrivateJwk}::text, ${NOW_S},
          NULL::bigint, NULL::bigint, NULL::bigint WHERE ${guard}`,
    )
    .onConflictDoNothing({ target: signingKeys.nid, where: sql`state = 'pending'` })
    .returning({ kid: signingKeys.kid });
}

/** As in D1: the second statement activates only where no key is active. */
async function promote(
  tx: PostgresDatabase,
  tenantId: string,
  { boundSeconds, retiringSeconds }: KeyDurations,
): Promise<'promoted' | 'not_due'> {
  const isOfTenant = eq(signingKeys.nid, tenantId);
  // Whoever promotes at the same moment waits here, and then finds its work done.
  await tx.select({ kid: signingKeys.kid }).from(signingKeys).where(isOfTenant).for('update');
  const other = alias(signingKeys, 'other');
  const others = tx.select({ kid: other.kid }).from(other);
  const isOfSameTenant = eq(other.nid, tenantId);
  const successor = others.where(
    and(
      isOfSameTenant,
      eq(other.state, 'pending'),
      lte(sql`${other.publishedAtS} + ${boundSeconds}::bigint`, NOW_S),
    ),
  );
  await tx
    .update(signingKeys)
    .set({ state: 'retiring', retiredAtS: sql`${NOW_S} + ${retiringSeconds}::bigint` })
    .where(and(isOfTenant, eq(signingKeys.state, 'active'), exists(successor)));
  const active = tx
    .select({ kid: other.kid })
    .from(other)
    .where(and(isOfSameTenant, eq(other.state, 'active')));
  const activatedBefore = tx
    .select({ kid: other.kid })
    .from(other)
    .where(and(isOfSameTenant, isNotNull(other.activatedAtS)));
  const activated = await tx
    .update(signingKeys)
    .set({ state: 'active', activatedAtS: NOW_S })
    .where(
      and(
        isOfTenant,
        eq(signingKeys.state, 'pending'),
        isNotNull(signingKeys.publishedAtS),
        notExists(active),
        or(
          lte(sql`${signingKeys.publishedAtS} + ${boundSeconds}::bigint`, NOW_S),
          notExists(activatedBefore),
        ),
      ),
    )
    .returning({ kid: signingKeys.kid });
  return activated.length === 1 ? 'promoted' : 'not_due';
}

async function replaceRevoked(
  tx: PostgresDatabase,
  kids: readonly string[],
  replacement: NewSigningKey,
): Promise<void> {
  const isOfTenant = eq(signingKeys.nid, replacement.tenantId);
  const isNamed = inArray(signingKeys.kid, elementsOf(kids));
  await tx
    .update(signingKeys)
    .set({ state: 'retired', sealedPrivateJwk: '', retiredAtS: NOW_S })
    .where(and(isOfTenant, isNamed, ne(signingKeys.state, 'retired')));
  const isUsable = inArray(signingKeys.state, ['pending', 'active']);
  const usable = tx.select({ kid: signingKeys.kid }).from(signingKeys);
  await insertOnlyPending(tx, replacement, notExists(usable.where(and(isOfTenant, isUsable))));
}
