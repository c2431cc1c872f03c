/** What the contract suites put into databases. */

import { unixMilliseconds } from '@cardea/shared/time';
import type {
  KeyDeletion,
  KeyInsertion,
  KeyReplacement,
  KeyRevocation,
  KeyUpdate,
  NewApiKey,
} from '../../src/api-keys/store.ts';
import type { AuditOperation, NewAuditEvent } from '../../src/audit/audit-event.ts';
import type { NewReplacedKey } from '../../src/macaroons/replaced-keys.ts';
import { cutOffOfKey, revocationOfKey } from '../../src/revocations/new-revocation.ts';
import type { NewSigningKey } from '../../src/signing-keys/signing-key.ts';

export const newId = () => crypto.randomUUID();

/** The hexadecimal id of an imported key. */
export const newImportedId = () => `${newId()}${newId()}`.replaceAll('-', '');

/** How long revocations of the fixtures live, seconds. */
export const LIVES_SECONDS = 100;

export function auditOf(
  tenantId: string,
  targetId: string,
  operation: AuditOperation = 'api_key.update',
): NewAuditEvent {
  return {
    eventId: newId(),
    tenantId,
    operation,
    targetId,
    caller: {
      kind: 'admin_credential',
      id: 'credential',
      role: 'owner',
      requestId: 'request',
      clientAddress: '192.0.2.1',
    },
    changes: { name: { before: 'a', after: 'b\u0000"\\' } },
    mac: 'mac',
  };
}

export function newKey(tenantId: string, change: Partial<NewApiKey> = {}): NewApiKey {
  return {
    ...{ tenantId, keyId: newId(), kind: 'issued', name: 'n', actorId: 'a', scopes: ['s'] },
    ...{ visibility: 'secret', secretHash: '00'.repeat(32), ttlSeconds: 60 },
    ...change,
  };
}

export function insertion(
  key: NewApiKey,
  options: Omit<KeyInsertion, 'key' | 'audit'> = {},
): KeyInsertion {
  return { key, audit: auditOf(key.tenantId, key.keyId, 'api_key.issue'), ...options };
}

interface KeyName {
  readonly tenantId: string;
  readonly keyId: string;
}

function causeOf({ tenantId, keyId }: KeyName) {
  return { revocationId: newId(), tenantId, keyId, cause: 'test', livesSeconds: LIVES_SECONDS };
}

export function revocationOf(name: KeyName, change: Partial<KeyRevocation> = {}): KeyRevocation {
  const { tenantId, keyId } = name;
  return {
    ...{ tenantId, keyId, reason: 'key_compromise', revocation: revocationOfKey(causeOf(name)) },
    audit: auditOf(tenantId, keyId, 'api_key.revoke'),
    ...change,
  };
}

export function replacementOf(
  { tenantId, keyId }: KeyName,
  change: Partial<KeyReplacement> = {},
): KeyReplacement {
  const { overlapSeconds = 0 } = change;
  const replacement = newKey(tenantId);
  const delay = overlapSeconds === 0 ? {} : { effectiveAfterSeconds: overlapSeconds };
  return {
    ...{ tenantId, oldKeyId: keyId, oldRevision: 1, replacement, overlapSeconds },
    revocation: revocationOfKey({ ...causeOf({ tenantId, keyId }), ...delay }),
    audit: auditOf(tenantId, replacement.keyId, 'api_key.rotate'),
    ...change,
  };
}

export function updateOf(name: KeyName, change: Partial<KeyUpdate> = {}): KeyUpdate {
  const { tenantId, keyId } = name;
  const audit = auditOf(tenantId, keyId, 'api_key.update');
  return { ...{ tenantId, keyId, revision: 1, changes: { name: 'new' }, audit }, ...change };
}

export function cutOff(name: KeyName) {
  return cutOffOfKey(causeOf(name));
}

export function deletionOf(name: KeyName): KeyDeletion {
  const { tenantId, keyId } = name;
  const audit = auditOf(tenantId, keyId, 'api_key.delete');
  return { tenantId, keyId, revocation: cutOff(name), audit };
}

export function newSigningKey(tenantId: string): NewSigningKey {
  return {
    ...{ tenantId, kid: newId(), algorithm: 'EdDSA', sealedPrivateJwk: 'sealed' },
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' },
  };
}

export function newReplacedKey(tenantId: string, kid: string): NewReplacedKey {
  return {
    ...{ tenantId, kid, audience: 'https://a"\\.example', generation: 2 },
    ...{ epoch: { startSeconds: 600, lengthSeconds: 60 }, expiresAtSeconds: 9_999_999_999 },
  };
}

/** As many calls at the same moment; their outcomes. */
export function allAtOnce<T>(count: number, call: (place: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, place) => call(place)));
}

/** How often each text occurs. */
export function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

export const LONG_AGO = unixMilliseconds(1);
