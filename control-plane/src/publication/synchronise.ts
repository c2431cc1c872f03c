/**
 * Brings the publisher's storage up to date with the database: revocation rows that it was not told
 * of, the life of the signing keys, the keyset, the seal of the audit log; and the database with the
 * storage, if it was restored. Every step may be repeated at any point, and none is needed for a heartbeat.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { compareScopeIds } from '@cardea/shared/feed/entry';
import { isAuditSeal } from '@cardea/shared/feed/head';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { EVERYTHING, formatScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { FEED_KEYSET_BYTES_MAX } from '@cardea/shared/limits';
import type { Log } from '../log.ts';
import type { Revocation } from '../revocations/revocation.ts';
import { keysetKeysOf } from '../signing-keys/published-keys.ts';
import type { SigningKey } from '../signing-keys/signing-key.ts';
import type { EntriesApart, LiveEntry, PublisherStorage } from './publisher-storage.ts';
import { synchroniseMark } from './restoration.ts';
import type { Truth } from './truth.ts';

/** Rows read at a time: bounds one answer of the database (about 200 bytes a row). */
const ROWS_MAX = 1000;
/** Of a million there are 200 pages: a Durable Object may ask D1 a thousand times in one alarm. */
const LIVE_ROWS_MAX = 5000;

/** The keys of all tenants together are more than edges read: some tenant must go, or shorten its URLs. */
class KeysetTooLarge extends Error {
  override readonly name = 'KeysetTooLarge';
}

/** What the audit log answered is no seal: edges would refuse a head that carries it. */
class NoAuditSeal extends Error {
  override readonly name = 'NoAuditSeal';
}

export interface Synchronisation {
  readonly storage: PublisherStorage;
  readonly truth: Truth;
  readonly log: Log;
  /** After it has fired, what comes late changes nothing that came after it. */
  readonly signal: AbortSignal;
}

/** The steps, in their order: revocations first. Whoever runs them bounds how long each may take. */
export function synchronise(parts: Synchronisation): ReadonlyArray<() => Promise<void>> {
  const { apart } = parts.storage;
  const keysAndSeal = [() => synchroniseSigningKeys(parts), () => synchroniseAuditSeal(parts)];
  if (apart === undefined) return keysAndSeal;
  return [
    () => synchroniseRevocations(apart, parts.truth),
    ...keysAndSeal,
    () => synchroniseDatabase(parts),
  ];
}

/** Takes the rows in first, durably, and only then marks them: a crash between repeats the first. */
export async function synchroniseRevocations(apart: EntriesApart, truth: Truth): Promise<void> {
  for (;;) {
    const rows = await truth.revocations.unacknowledged(ROWS_MAX);
    if (rows.length > 0) {
      await apart.takeEntries(rows.map(entryOf));
      await truth.revocations.markAcknowledged(rows.map(({ revocationId }) => revocationId));
    }
    if (rows.length < ROWS_MAX) return;
  }
}

/** Every live row, whatever it is marked as: for a publisher that has lost its storage. */
export async function readAllRevocations(
  apart: EntriesApart,
  truth: Truth,
  isLacking: (entry: LiveEntry) => boolean,
): Promise<void> {
  let afterRevocationId = '';
  for (;;) {
    const rows = await truth.revocations.live({ afterRevocationId, count: LIVE_ROWS_MAX });
    await apart.takeEntries(rows.map(entryOf).filter(isLacking));
    const last = rows.at(-1);
    if (last === undefined || rows.length < LIVE_ROWS_MAX) return;
    afterRevocationId = last.revocationId;
  }
}

/** Moves every tenant's signing keys on by what is due, then makes the keyset of them. */
async function synchroniseSigningKeys({ storage, truth, signal }: Synchronisation): Promise<void> {
  const { keysetHash } = await storage.memory();
  // A key counts as published once a written head names a keyset that has it.
  const published = keysetHash === undefined ? undefined : await storage.keyset(keysetHash);
  const all = await truth.signingKeys.listAll();
  const stored = Map.groupBy(all, ({ tenantId }) => tenantId);
  const kids = {
    published: new Set(published?.kids ?? []),
    revoked: await revokedKidsOf(all, storage),
  };
  const keys = [];
  const tenants = await truth.tenants();
  for (const tenant of tenants) {
    const known = { tenantId: tenant.tenantId, keys: stored.get(tenant.tenantId) ?? [] };
    const current = await moveOn(known, truth, kids);
    keys.push(...keysetKeysOf(current, { ...truth.binding, ...tenant }));
  }
  const sealed = await truth.sealKeys(tenants, (scopeIds) => storage.revokedForGood(scopeIds));
  const bytes = encodeKeyset(keys, sealed);
  // No edge reads a larger one: the one before goes on being published.
  if (bytes.length > FEED_KEYSET_BYTES_MAX) throw new KeysetTooLarge();
  const keyset = { hash: await objectHash(bytes), kids: keys.map(({ kid }) => kid) };
  signal.throwIfAborted();
  await storage.takeKeyset({ ...keyset, text: decodeUtf8(bytes) ?? '' });
}

/**
 * A key that is revoked for good is retired before its entry ends: were it still in the keyset then, it
 * would come back to life.
 */
async function revokedKidsOf(
  keys: readonly SigningKey[],
  storage: PublisherStorage,
): Promise<ReadonlySet<string>> {
  const kids = new Map<string, string>();
  for (const { kid, state } of keys) {
    if (state !== 'retired') kids.set(formatScopeId(await scopeIdOfSigningKey(kid)), kid);
  }
  const revoked = await storage.revokedForGood([...kids.keys()]);
  return new Set([...revoked].flatMap((scopeId) => kids.get(scopeId) ?? []));
}

interface KnownKids {
  readonly published: ReadonlySet<string>;
  readonly revoked: ReadonlySet<string>;
}

/** Asks for what seems due for the tenant's keys, and reads them again if anything was. */
async function moveOn(
  { tenantId, keys }: { readonly tenantId: string; readonly keys: readonly SigningKey[] },
  { signingKeys, generateSigningKey, durations }: Truth,
  kids: KnownKids,
): Promise<readonly SigningKey[]> {
  const kidsWhere = (isMeant: (key: SigningKey) => boolean) =>
    keys.filter(isMeant).map(({ kid }) => kid);
  const newlyPublished = kidsWhere(
    ({ kid, publishedAtSeconds: at }) => at === undefined && kids.published.has(kid),
  );
  const revoked = kidsWhere(({ kid }) => kids.revoked.has(kid));
  const isPending = keys.some((key) => key.state === 'pending');
  const isRetiring = keys.some((key) => key.state === 'retiring');
  if (keys.length === 0) await signingKeys.insertFirst(await generateSigningKey(tenantId));
  if (revoked.length > 0) {
    await signingKeys.replaceRevoked(revoked, await generateSigningKey(tenantId));
  }
  if (newlyPublished.length > 0) await signingKeys.markPublished(tenantId, newlyPublished);
  if (isPending) await signingKeys.promote(tenantId, durations);
  if (isRetiring) await signingKeys.retireDue(tenantId);
  const isMoved = keys.length === 0 || revoked.length > 0 || newlyPublished.length > 0;
  return isMoved || isPending || isRetiring ? signingKeys.list(tenantId) : keys;
}

async function synchroniseAuditSeal({ storage, truth, signal }: Synchronisation): Promise<void> {
  const known = (await storage.memory()).auditSeal;
  const seal = await truth.sealAudit(known);
  if (seal === undefined || seal === known) return;
  if (!isAuditSeal(seal)) throw new NoAuditSeal();
  signal.throwIfAborted();
  await storage.takeAuditSeal(seal);
}

async function synchroniseDatabase({
  storage,
  truth,
  log,
  signal,
}: Synchronisation): Promise<void> {
  const restored = await synchroniseMark(storage, truth.restoration, signal);
  if (restored > 0) log('error', 'database_restored', { restored });
}

export function entryOf({ entry, expiresAtSeconds, scope }: Revocation): LiveEntry {
  const isEverything = compareScopeIds(entry.scopeId, EVERYTHING) === 0;
  const staysInline = scope === 'signing_key' || isEverything;
  return { ...entry, expiresAtSeconds, ...(staysInline ? { staysInline } : {}) };
}
