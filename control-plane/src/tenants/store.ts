/**
 * The port to the tenants that were created. The default tenant has no row. Each method is one
 * guarded statement or one batch, audit event included. Throws `StoreUnavailable`.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { NewRevocation, Revocation } from '../revocations/revocation.ts';
import type { TenantSettings } from './tenant.ts';

export interface StoredTenant {
  readonly tenantId: string;
  /** 1 to 255 characters; need not be unique. */
  readonly name: string;
  /** Host names in normal form (`tenants/host-name`): each belongs to at most one tenant. */
  readonly hosts: readonly string[];
  readonly settings: TenantSettings;
  readonly createTime: UnixMilliseconds;
  readonly updateTime: UnixMilliseconds;
  /** Grows by one with each change: what an update was made from. */
  readonly revision: number;
}

export type NewTenant = Pick<StoredTenant, 'tenantId' | 'name' | 'hosts' | 'settings'>;

export interface TenantUpdate {
  readonly tenantId: string;
  /** The revision that the change was made from. */
  readonly revision: number;
  /** The whole new state of what may change. */
  readonly name: string;
  readonly hosts: readonly string[];
  readonly settings: TenantSettings;
  readonly audit: NewAuditEvent;
}

export interface TenantDeletion {
  readonly tenantId: string;
  /** Also with keys that are active and unexpired. */
  readonly isForced: boolean;
  /** Cuts off every token of the tenant. */
  readonly revocation: NewRevocation;
  readonly audit: NewAuditEvent;
}

export type TenantInsertOutcome =
  | { readonly outcome: 'inserted'; readonly tenant: StoredTenant }
  | { readonly outcome: 'host_taken' };

export type TenantUpdateOutcome =
  | { readonly outcome: 'updated'; readonly tenant: StoredTenant }
  | { readonly outcome: 'host_taken' | 'changed_meanwhile' | 'not_found' };

export type TenantDeleteOutcome =
  | { readonly outcome: 'deleted'; readonly revocation: Revocation }
  | { readonly outcome: 'has_live_keys' | 'not_found' };

export interface TenantPage {
  readonly tenants: readonly StoredTenant[];
  /** The last id of this page if there are more. Order: `tenantId` ascending. */
  readonly nextAfterTenantId?: string;
}

export interface TenantStore {
  insert(tenant: NewTenant, audit: NewAuditEvent): Promise<TenantInsertOutcome>;
  find(tenantId: string): Promise<StoredTenant | undefined>;
  findByHost(host: string): Promise<StoredTenant | undefined>;
  list(query: { readonly pageSize: number; readonly afterTenantId?: string }): Promise<TenantPage>;
  update(update: TenantUpdate): Promise<TenantUpdateOutcome>;
  /**
   * Removes the tenant and everything that belongs to it but its audit events and its revocations:
   * keys, signing keys, admin credentials, answered request ids.
   */
  delete(deletion: TenantDeletion): Promise<TenantDeleteOutcome>;
}
