/**
 * What a caveat of the caveat language (docs/caveats.md, version 1) says, as data. `parse-caveat.ts`
 * reads it, `format-caveat.ts` writes it, `clear.ts` decides.
 */

import type { UnixSeconds } from '../time.ts';
import type { Bytes } from './macaroon.ts';
import type { PathPattern } from './path-pattern.ts';

/** Names are only ever added to a version's list: a reader prohibits what it does not know. */
export const CAVEAT_LANGUAGE_VERSION = 1;

export type KnownCaveat =
  /** `time < 2027-01-01T00:00:00Z` */
  | { readonly kind: 'expires'; readonly atSeconds: UnixSeconds }
  /** `time >= 2027-01-01T00:00:00Z` */
  | { readonly kind: 'not_before'; readonly atSeconds: UnixSeconds }
  /** `scope in orders:read orders:write`: no other scopes than these, of those that there are. */
  | { readonly kind: 'scopes'; readonly scopes: readonly string[] }
  /** `audience = https://api.example` */
  | { readonly kind: 'audience'; readonly value: string }
  /** `tenant = 7d0c…` */
  | { readonly kind: 'tenant'; readonly value: string }
  /** `actor = user-17` */
  | { readonly kind: 'actor'; readonly value: string }
  /** `key = b1a7…`: the id of the API key at the root. */
  | { readonly kind: 'key'; readonly value: string }
  /** `token = 3f8e…`: the `jti` of the macaroon itself. For discharges. */
  | { readonly kind: 'token'; readonly value: string }
  /** `method in GET HEAD` */
  | { readonly kind: 'methods'; readonly methods: readonly string[] }
  /** `path in /orders/* /users/{}` */
  | { readonly kind: 'paths'; readonly patterns: readonly PathPattern[] }
  /** `host in api.example` */
  | { readonly kind: 'hosts'; readonly hosts: readonly string[] }
  /** `ip in 192.0.2.0/24 2001:db8::/32` */
  | { readonly kind: 'addresses'; readonly cidrs: readonly string[] }
  /** `tool in search summarize` */
  | { readonly kind: 'tools'; readonly tools: readonly string[] }
  /** `ext:billing/plan = pro`: what it means, a configured checker knows. */
  | { readonly kind: 'extension'; readonly name: string; readonly value: string }
  /** `cnf = …`, `max_uses = …`, `budget = …`: kept for later, and prohibiting until then. */
  | { readonly kind: 'reserved'; readonly name: ReservedName; readonly value: string };

export type ReservedName = 'cnf' | 'max_uses' | 'budget';

/** Anything else, byte for byte. The chain verifies with it; no request ever clears it. */
export interface UnknownCaveat {
  readonly kind: 'unknown';
  readonly bytes: Bytes;
}

export type ParsedCaveat = KnownCaveat | UnknownCaveat;
