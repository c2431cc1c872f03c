/**
 * One event for each mutation, written in the same batch as the mutation: who did what to which
 * object, from where, with what change. Holds no secret, no hash of one and no credential.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';

/** Who acts. `id`: admin credential id, `sub` of an admin JWT, key id of a key's holder, or ''. */
export interface Caller {
  readonly kind: 'bootstrap' | 'admin_credential' | 'admin_jwt' | 'key_holder' | 'system';
  readonly id: string;
  readonly role?: string;
  /** `X-Request-ID` of the request. */
  readonly requestId: string;
  readonly clientAddress?: string;
}

/** What was done. `{resource}.{verb}`; docs/audit.md explains each. */
export type AuditOperation =
  | 'api_key.issue'
  | 'api_key.import'
  | 'api_key.update'
  | 'api_key.enable'
  | 'api_key.disable'
  | 'api_key.rotate'
  | 'api_key.revoke'
  | 'api_key.self_revoke'
  | 'api_key.delete'
  | 'api_key.verification_failed'
  | 'admin_credential.create'
  | 'admin_credential.rotate'
  | 'admin_credential.revoke'
  | 'tenant.create'
  | 'tenant.update'
  | 'tenant.delete'
  | 'signing_key.rotate'
  | 'edge.create'
  | 'edge.rotate'
  | 'edge.revoke'
  | 'revocation.create'
  | 'revocation.restore'
  | 'audit_event.prune';

/** Before and after, by field name of the REST API. An absent side: there was, or is, none. */
export type AuditChanges = Readonly<
  Record<string, { readonly before?: unknown; readonly after?: unknown }>
>;

export interface NewAuditEvent {
  /** A version-4 UUID. */
  readonly eventId: string;
  readonly tenantId: string;
  readonly operation: AuditOperation;
  /** Id of what was changed: key id, credential id, tenant id, kid, revocation id. */
  readonly targetId: string;
  readonly caller: Caller;
  readonly changes: AuditChanges;
  /**
   * base64url of an HMAC over everything above (`audit/event-recorder`): an event that somebody
   * writes into the database by hand has none, and is found as added.
   */
  readonly mac: string;
}

export interface AuditEvent extends NewAuditEvent {
  /** The database's clock at the commit. */
  readonly time: UnixMilliseconds;
  /** Place in the sealed sequence, from 1, without gaps; absent until the single writer has sealed it. */
  readonly position?: number;
  /** base64url of HMAC(previous seal, position, time, event). */
  readonly seal?: string;
}

/** Makes the event of one mutation. Operations call it; `audit/event-recorder` implements it. */
export type MakeAuditEvent = (
  event: Omit<NewAuditEvent, 'eventId' | 'mac'>,
) => Promise<NewAuditEvent>;
