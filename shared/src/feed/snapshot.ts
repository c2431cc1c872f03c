/** What an edge holds in memory: verified, parsed, ready for look-ups without I/O. */

import type { UnixSeconds } from '../time.ts';
import type { JwtKeys } from './keyset.ts';
import type { ScopeId } from './scope-id.ts';
import type { OpenedMacaroonKeys } from './sealed-key.ts';

export interface FeedSnapshot extends OpenedMacaroonKeys {
  readonly environmentId: string;
  readonly seq: number;
  readonly issuedAtSeconds: UnixSeconds;
  readonly keysetHash: string;
  /** By `kid`. Every key of the keyset, whatever tenant it belongs to. */
  readonly jwtKeys: JwtKeys;
  readonly revocations: RevocationTable;
}

export interface RevocationTable {
  /** Entries. */
  readonly size: number;
  /** Bytes that it keeps in memory: entries and filters. */
  readonly byteLength: number;
  /** The bound for exactly this scope, or `undefined`. Constant memory, no allocation. */
  boundOf(scopeId: ScopeId): number | undefined;
}

/** All scope ids of one token, computed once when it is first verified. */
export interface TokenScopes {
  readonly issuedAtSeconds: UnixSeconds;
  /** Token, ancestors, key, actor, tenant, signing key and everything. */
  readonly scopeIds: readonly ScopeId[];
}
