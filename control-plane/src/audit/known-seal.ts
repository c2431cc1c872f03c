/** The newest seal of the audit log that left the database: the one in the signed head. */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { parseHeadPayload } from '@cardea/shared/feed/head';
import type { Deps } from '../deps.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { type KnownSeal, parseKnownSeal } from './seal.ts';

/**
 * `undefined` while no head has one. Throws `StoreUnavailable` when the publisher cannot be asked:
 * without its answer a log that lost its end would look whole.
 */
export async function readKnownSeal({
  feed,
  publisher,
}: Pick<Deps, 'feed' | 'publisher'>): Promise<KnownSeal | undefined> {
  const head = await feed.head();
  if (head === undefined) {
    if (await hasPublished(publisher)) throw new StoreUnavailable();
    return undefined;
  }
  // It comes from our own publisher, which has signed it: nothing is gained by verifying it here.
  const payload = decodeBase64url(head.compactJws.split('.')[1] ?? '') ?? new Uint8Array(0);
  const parsed = parseHeadPayload(decodeUtf8(payload) ?? '');
  if (!parsed.ok) throw new TypeError('The publisher answered with a malformed head.');
  const { auditSeal } = parsed.value;
  return auditSeal === undefined ? undefined : parseKnownSeal(auditSeal);
}

async function hasPublished(publisher: Deps['publisher']): Promise<boolean> {
  try {
    return await publisher.hasPublished();
  } catch (cause) {
    throw new StoreUnavailable({ cause });
  }
}
