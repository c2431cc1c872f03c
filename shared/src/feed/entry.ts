/**
 * One revocation: `u64 scope id ‖ u32 bound`, 12 bytes, big-endian. A token is refused if, for any
 * of its scope ids, `iat <= bound`. See `docs/feed.md`.
 */

import type { ScopeId } from './scope-id.ts';

/** The bound that no `iat` passes: revoked for good. */
export const FOR_GOOD = 0xffffffff;

export interface RevocationEntry {
  readonly scopeId: ScopeId;
  /** Tokens whose `iat` is at or before this second are refused; or {@link FOR_GOOD}. */
  readonly boundSeconds: number;
}
