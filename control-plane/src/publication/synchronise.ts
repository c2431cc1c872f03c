/**
 * Brings the publisher's storage up to date with the database: revocation rows that it was not told
 * of, the life of the signing keys, the keyset. Every step may be repeated at any point, and none is
 * needed for a heartbeat.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { FEED_KEYSET_BYTES_MAX } from '@cardea/shared/limits';
import type { Revocation } from '../revocations/revocation.ts';
import { keysetKeysOf } from '../signing-keys/published-keys.ts';
import type { SigningKey } from '../signing-keys/signing-key.ts';
import type { HubStorage, LiveEntry } from './hub-storage.ts';
import type { Truth } from './truth.ts';

/** Rows read at a time: bounds one answer of the database (about 200 bytes a row). */
const ROWS_MAX = 1000;

/** The keys of all tenants together are more than edges read: some tenant must go, or shorten its URLs. */
class KeysetTooLarge extends Error {
  override readonly name = 'KeysetTooLarge';
}

/** Takes the rows in first, durably, and only then marks them: a crash between repeats the first. */
export async function synchroniseRevocations(storage: HubStorage, truth: Truth): Promise<void> {
  for (;;) {
    const rows = await truth.revocations.unacknowledged(ROWS_MAX);
    if (rows.length > 0) {
      await storage.takeEntries(rows.map(entryOf));
      await truth.revocations.markAcknowledged(rows.map(({ revocationId }) => revocationId));
    }
    if (rows.length < ROWS_MAX) return;
  }
}

/** Every live row, whatever it is marked as: for a publisher that has lost its storage. */
export async function readAllRevocations(storage: HubStorage, truth: Truth): Promise<void> {
  let afterRevocationId = '';
  for (;;) {
    const rows = await truth.revocations.live({ afterRevocationId, count: ROWS_MAX });
    await storage.takeEntries(rows.map(entryOf));
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_MAX) return;
    afterRevocationId = last.revocationId;
  }
}

/**
 * Moves every tenant's signing keys on by what is due (`signing-keys/signing-key`), then makes the
 * keyset of them. After `signal` has fired it changes no keyset any more.
 */
export async function synchroniseSigningKeys(
  storage: HubStorage,
  truth: Truth,
  signal: AbortSignal,
): Promise<void> {
  const keysetHash = storage.publisher().keyset_hash;
  // A key counts as published once a written head names a keyset that has it.
  const published = keysetHash === null ? undefined : storage.keyset(keysetHash);
  const stored = Map.groupBy(await truth.signingKeys.listAll(), ({ tenantId }) => tenantId);
  const keys = [];
  for (const tenant of await truth.tenants()) {
    const known = { tenantId: tenant.tenantId, keys: stored.get(tenant.tenantId) ?? [] };
    const current = await moveOn(known, truth, published?.kids ?? []);
    keys.push(...keysetKeysOf(current, { ...truth.binding, ...tenant }));
  }
  const bytes = encodeKeyset(keys);
  // No edge reads a larger one: the one before goes on being published.
  if (bytes.length > FEED_KEYSET_BYTES_MAX) throw new KeysetTooLarge();
  const keyset = { hash: await objectHash(bytes), kids: keys.map(({ kid }) => kid) };
  signal.throwIfAborted();
  storage.takeKeyset({ ...keyset, text: decodeUtf8(bytes) ?? '' });
}

/** Asks for what seems due for the tenant's keys, and reads them again if anything was. */
async function moveOn(
  { tenantId, keys }: { readonly tenantId: string; readonly keys: readonly SigningKey[] },
  { signingKeys, generateSigningKey, durations }: Truth,
  publishedKids: readonly string[],
): Promise<readonly SigningKey[]> {
  const newlyPublished = keys
    .filter(({ kid, publishedAtSeconds: at }) => at === undefined && publishedKids.includes(kid))
    .map(({ kid }) => kid);
  const isNewlyPublished = newlyPublished.length > 0;
  const isPending = keys.some((key) => key.state === 'pending');
  const isRetiring = keys.some((key) => key.state === 'retiring');
  if (keys.length === 0) await signingKeys.insertFirst(await generateSigningKey(tenantId));
  if (isNewlyPublished) await signingKeys.markPublished(tenantId, newlyPublished);
  if (isPending) await signingKeys.promote(tenantId, durations);
  if (isRetiring) await signingKeys.retireDue(tenantId);
  const isSettled = keys.length > 0 && !isNewlyPublished && !isPending && !isRetiring;
  return isSettled ? keys : signingKeys.list(tenantId);
}

export function entryOf({ entry, expiresAtSeconds }: Revocation): LiveEntry {
  return { ...entry, expiresAtSeconds };
}
