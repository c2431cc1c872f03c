/**
 * Brings the publisher's storage up to date with the database: revocation rows that it was not told
 * of, the life of the signing keys, the keyset. Every step may be repeated at any point, and none is
 * needed for a heartbeat.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { Revocation } from '../revocations/revocation.ts';
import { keysetKeysOf } from '../signing-keys/published-keys.ts';
import type { SigningKey } from '../signing-keys/signing-key.ts';
import type { HubStorage, LiveEntry } from './hub-storage.ts';
import type { Truth } from './truth.ts';

/** Rows read at a time: bounds one answer of the database (about 200 bytes a row). */
const ROWS_MAX = 1000;

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
  const keys = [];
  for (const tenant of await truth.tenants()) {
    const current = await moveOn(tenant.tenantId, truth, published?.kids ?? []);
    keys.push(...keysetKeysOf(current, { ...truth.binding, ...tenant }));
  }
  const bytes = encodeKeyset(keys);
  const keyset = { hash: await objectHash(bytes), kids: keys.map(({ kid }) => kid) };
  signal.throwIfAborted();
  storage.takeKeyset({ ...keyset, text: decodeUtf8(bytes) ?? '' });
}

/** Reads the tenant's keys, asks for what seems due, and reads them again if anything was. */
async function moveOn(
  tenantId: string,
  { signingKeys, generateSigningKey, durations }: Truth,
  publishedKids: readonly string[],
): Promise<readonly SigningKey[]> {
  const keys = await signingKeys.list(tenantId);
  const isNewlyPublished = keys.some(
    (key) => key.publishedAtSeconds === undefined && publishedKids.includes(key.kid),
  );
  const isPending = keys.some((key) => key.state === 'pending');
  const isRetiring = keys.some((key) => key.state === 'retiring');
  if (keys.length === 0) await signingKeys.insertFirst(await generateSigningKey(tenantId));
  if (isNewlyPublished) await signingKeys.markPublished(tenantId, publishedKids);
  if (isPending) await signingKeys.promote(tenantId, durations);
  if (isRetiring) await signingKeys.retireDue(tenantId);
  const isSettled = keys.length > 0 && !isNewlyPublished && !isPending && !isRetiring;
  return isSettled ? keys : signingKeys.list(tenantId);
}

export function entryOf({ entry, expiresAtSeconds }: Revocation): LiveEntry {
  return { ...entry, expiresAtSeconds };
}
