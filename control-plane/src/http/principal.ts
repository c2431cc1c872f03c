/** Who makes an admin call, and what that caller may do. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import { equalConstantTime } from '@cardea/shared/crypto/equal-constant-time';
import type { AdminRole } from '../admin-credentials/admin-credential.ts';
import type { Caller } from '../audit/audit-event.ts';

/** What a route needs. `anonymous` routes need nobody; every other one needs a principal. */
export type Permission =
  | 'anonymous'
  | 'api_keys.read'
  | 'api_keys.write'
  | 'api_keys.verify'
  | 'tokens.derive'
  | 'signing_keys.read'
  | 'signing_keys.write'
  | 'revocations.read'
  | 'revocations.write'
  | 'admin_credentials.read'
  | 'admin_credentials.write'
  | 'tenants.read'
  | 'tenants.write'
  | 'audit_events.read';

/** An authenticated administrator. */
export interface Principal {
  readonly kind: 'bootstrap' | 'admin_credential' | 'admin_jwt';
  /** Credential id, or `sub` of the JWT; '' for the bootstrap token. */
  readonly id: string;
  readonly role: AdminRole;
  /** The only tenant it may act on; absent: every one. */
  readonly tenantId?: string;
}

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1), one space, b64token. */
const BEARER = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/** The caller, or `undefined` for anybody unknown. The token is compared by its hash alone. */
export async function authenticateAdmin(
  headers: Headers,
  adminTokenSha256: Uint8Array,
): Promise<Principal | undefined> {
  const token = BEARER.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) return undefined;
  const hash = await sha256(encodeUtf8(token));
  if (!equalConstantTime(hash, adminTokenSha256)) return undefined;
  return { kind: 'bootstrap', id: '', role: 'owner' };
}

export function permits(principal: Principal, permission: Permission): boolean {
  return permission !== 'anonymous' && principal.role === 'owner';
}

/** Who an audit event names. Without a principal only from where: the operation knows the rest. */
export function callerOf(
  principal: Principal | undefined,
  from: { readonly requestId: string; readonly clientAddress: string | undefined },
): Caller {
  const { requestId, clientAddress } = from;
  const origin = { requestId, ...(clientAddress === undefined ? {} : { clientAddress }) };
  if (principal === undefined) return { kind: 'system', id: '', ...origin };
  const { kind, id, role } = principal;
  return { kind, id, role, ...origin };
}
