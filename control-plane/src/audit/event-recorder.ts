/**
 * Makes audit events: gives each an id and a MAC under a random key of its own, which is stored
 * sealed. So an event that is written into the database without the master secret is told apart from
 * ours even before it is sealed into the sequence.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { hmacSha256, importHmacKey } from '@cardea/shared/crypto/hmac';
import { canonicalJson } from '../api-keys/canonical-json.ts';
import { type SecretMeans, storedSecret } from '../tokens/stored-secret.ts';
import type { MakeAuditEvent, NewAuditEvent } from './audit-event.ts';

const AUDIT_SECRET = 'audit-log/v1';

/** Reads the key of the audit log once and then answers from memory: it never changes. */
export function auditKeyReader(means: SecretMeans): () => Promise<CryptoKey> {
  let known: CryptoKey | undefined;
  return async () => {
    known ??= await importHmacKey(await storedSecret(AUDIT_SECRET, means));
    return known;
  };
}

export function createEventRecorder({
  auditKey,
  randomBytes,
}: {
  readonly auditKey: () => Promise<CryptoKey>;
  readonly randomBytes: SecretMeans['randomBytes'];
}): MakeAuditEvent {
  return async (event) => {
    const identified = { ...event, eventId: formatUuid(uuidV4FromRandom(randomBytes(16))) };
    return { ...identified, mac: await macOf(await auditKey(), identified) };
  };
}

/** base64url of HMAC-SHA-256 over every member of the event. */
export async function macOf(
  auditKey: CryptoKey,
  event: Omit<NewAuditEvent, 'mac'>,
): Promise<string> {
  return encodeBase64url(await hmacSha256(auditKey, bytesOf(event)));
}

/** What MAC and seal are computed over: every member that the operation chose. */
export function bytesOf(event: Omit<NewAuditEvent, 'mac'>): Uint8Array<ArrayBuffer> {
  const { eventId, tenantId, operation, targetId, caller, changes } = event;
  return frame(
    'audit-event/v1',
    ...[eventId, tenantId, operation, targetId, canonicalJson(caller), canonicalJson(changes)],
  );
}
