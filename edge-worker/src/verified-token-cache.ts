/**
 * Tokens whose signature or chain has been verified, by their text, so that a token seen before costs a
 * map look-up. Holds acceptances only. An entry says "this text was made with this key of this keyset
 * and has these claims and caveats" and nothing about now: expiry, the key's life, revocation, address,
 * scopes and every caveat are asked on every request by `authorize.ts`, and another keyset makes the
 * entry useless.
 *
 * Two generations bound it: when the young one is full it becomes the old one, and the old one is
 * dropped whole. What is used moves back into the young one. No sweeps, no timers.
 */

import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { TokenScopes } from '@cardea/shared/feed/snapshot';
import type { KeyBinding } from '@cardea/shared/jwt/check-claims';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import type { ParsedCaveat } from '@cardea/shared/macaroon/caveat';
import type { UnixSeconds } from '@cardea/shared/time';
import type { IdentityHeaders } from './identity-headers.ts';

export interface VerifiedToken {
  /** Hash of the keyset that `key` is from. */
  readonly keysetHash: string;
  readonly key: KeyBinding & { readonly scopeId: ScopeId };
  /** The later of `iat` and `nbf`. */
  readonly notBeforeSeconds: UnixSeconds;
  readonly expiresAtSeconds: UnixSeconds;
  readonly revocationScopes: TokenScopes;
  readonly scopes: readonly string[];
  readonly allowedCidrs: readonly string[] | undefined;
  readonly identity: IdentityHeaders;
  /** Of a macaroon: what every request must clear. */
  readonly narrowing: Narrowing | undefined;
}

export interface Narrowing {
  readonly caveats: readonly ParsedCaveat[];
  /** Of the base grant: what was granted before any caveat. */
  readonly claims: VerifiedClaims;
}

export interface CacheLimits {
  /** Tokens held at most. */
  readonly tokensMax: number;
  /** Bytes held at most, by {@link VerifiedTokenCache.put}'s estimate. */
  readonly bytesMax: number;
}

/** 10,000 tokens or 32 MiB: a quarter of an isolate's 128 MB, beside a feed of at most some 25. */
export const CACHE_LIMITS: CacheLimits = { tokensMax: 10_000, bytesMax: 32 * 1024 * 1024 };

/** Estimate for one entry beside its texts: objects, scope ids, header pairs. */
const ENTRY_BYTES = 2048;

/** Estimate for one caveat beside its text: objects and lists. */
const CAVEAT_BYTES = 256;

export class VerifiedTokenCache {
  readonly #tokensMax: number;
  readonly #bytesMax: number;
  #young = new Map<string, VerifiedToken>();
  #old = new Map<string, VerifiedToken>();
  #youngBytes = 0;

  constructor({ tokensMax, bytesMax }: CacheLimits = CACHE_LIMITS) {
    this.#tokensMax = Math.floor(tokensMax / 2);
    this.#bytesMax = Math.floor(bytesMax / 2);
  }

  /** How many texts are held; one that is in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(text: string): VerifiedToken | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.put(text, old);
    return old;
  }

  /** An entry is estimated at three times its text (text, claims, headers) and a part for its objects. */
  put(text: string, token: VerifiedToken): void {
    const caveatCount = token.narrowing?.caveats.length ?? 0;
    const bytes = ENTRY_BYTES + CAVEAT_BYTES * caveatCount + 3 * text.length;
    if (bytes > this.#bytesMax || this.#tokensMax < 1) return;
    if (!this.#young.has(text)) {
      if (this.#young.size >= this.#tokensMax || this.#youngBytes + bytes > this.#bytesMax) {
        this.#old = this.#young;
        this.#young = new Map();
        this.#youngBytes = 0;
      }
      this.#youngBytes += bytes;
    }
    this.#young.set(text, token);
  }
}
