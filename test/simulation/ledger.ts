/**
 * What really happened, kept apart from the code under test, and the invariants of docs/feed.md judged
 * by it. Plain maps and true time: nothing here uses the feed's own look-ups or freshness rules.
 */

import type { TrustedSnapshot } from '@cardea/edge-worker/feed/edge-feed';
import type { RevocationEntry } from '@cardea/shared/feed/entry';
import type { FeedHead } from '@cardea/shared/feed/head';
import type { ScopeId } from '@cardea/shared/feed/scope-id';

export class InvariantBroken extends Error {
  override name = 'InvariantBroken';
  readonly invariant: number;

  constructor(invariant: number, what: string) {
    super(`invariant ${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** A token as far as the feed is concerned. Times by the database's clock, seconds. */
export interface Token {
  readonly name: string;
  readonly kid: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  readonly scopeIds: readonly ScopeId[];
}

export interface Acknowledged {
  readonly entry: RevocationEntry;
  /** True time, milliseconds. */
  readonly at: number;
  readonly expiresAtSeconds: number;
}

interface PublishedHead {
  readonly head: FeedHead;
  readonly kids: ReadonlySet<string>;
  /** Scope id → bound. */
  readonly bounds: ReadonlyMap<string, number>;
}

export interface LedgerRules {
  readonly boundMilliseconds: number;
  readonly publisherOffsetMilliseconds: number;
  readonly now: () => number;
}

/** What one isolate has answered so far. It forgets with the isolate. */
export interface IsolateRecord {
  seq: number;
  readonly refusedAsRevoked: Set<string>;
}

export class Ledger {
  lastSeq = 0;
  readonly #rules: LedgerRules;
  readonly #acknowledged: Acknowledged[] = [];
  readonly #heads = new Map<string, PublishedHead>();
  /** kid → true time in milliseconds until which tokens may be accepted under it. */
  readonly #keyEnds = new Map<string, number>();

  constructor(rules: LedgerRules) {
    this.#rules = rules;
  }

  acknowledge(entry: RevocationEntry, expiresAtSeconds: number): void {
    this.#acknowledged.push({ entry, expiresAtSeconds, at: this.#rules.now() });
  }

  /** A key has been published as live, or its end has become known. */
  keyLivesUntil(kid: string, endMilliseconds: number): void {
    this.#keyEnds.set(kid, endMilliseconds);
  }

  /** Invariant 4, second half: no head claims an `iat` that it does not contain. */
  headSigned(head: FeedHead, kids: ReadonlySet<string>): void {
    const bounds = new Map(head.tail.map((entry) => [nameOf(entry.scopeId), entry.boundSeconds]));
    this.#heads.set(`${head.seq} ${head.issuedAtSeconds}`, { head, kids, bounds });
    this.lastSeq = head.seq;
    const claimed = head.issuedAtSeconds * 1000 - this.#rules.publisherOffsetMilliseconds;
    for (const { entry, at, expiresAtSeconds } of this.#acknowledged) {
      if (at >= claimed || expiresAtSeconds < head.issuedAtSeconds) continue;
      const bound = bounds.get(nameOf(entry.scopeId));
      if (bound === undefined || bound < entry.boundSeconds) {
        throw new InvariantBroken(4, `head ${head.seq} lacks what its iat claims`);
      }
    }
  }

  /** Invariants 3 and 5 on what an isolate trusts, before any token is looked at. */
  snapshotTrusted(isolate: IsolateRecord, { snapshot }: TrustedSnapshot): void {
    const published = this.#heads.get(`${snapshot.seq} ${snapshot.issuedAtSeconds}`);
    if (published === undefined) {
      throw new InvariantBroken(5, `a head that was never signed is trusted: ${snapshot.seq}`);
    }
    const kids = [...snapshot.jwtKeys.keys()];
    if (kids.length !== published.kids.size || !kids.every((kid) => published.kids.has(kid))) {
      throw new InvariantBroken(5, `head ${snapshot.seq} is trusted with other keys`);
    }
    if (snapshot.seq < isolate.seq) {
      throw new InvariantBroken(3, `an isolate went from head ${isolate.seq} to ${snapshot.seq}`);
    }
    isolate.seq = snapshot.seq;
  }

  /** Invariant 5: the look-up answers as the signed head says, neither more nor less. */
  lookedUp(token: Token, { snapshot }: TrustedSnapshot, revoked: boolean): void {
    const published = this.#heads.get(`${snapshot.seq} ${snapshot.issuedAtSeconds}`);
    const expected = token.scopeIds.some((scopeId) => {
      const bound = published?.bounds.get(nameOf(scopeId));
      return bound !== undefined && token.issuedAtSeconds <= bound;
    });
    if (expected !== revoked) {
      throw new InvariantBroken(
        5,
        `${token.name} is judged otherwise than head ${snapshot.seq} says`,
      );
    }
  }

  /** Invariants 1, 2 and 3 on an acceptance. */
  accepted(isolate: IsolateRecord, token: Token, { degraded }: TrustedSnapshot): void {
    const now = this.#rules.now();
    const end = this.#keyEnds.get(token.kid);
    if (end === undefined || now > end) {
      throw new InvariantBroken(2, `${token.name} is accepted under a key that is not live`);
    }
    if (isolate.refusedAsRevoked.has(token.name)) {
      throw new InvariantBroken(3, `${token.name} was refused as revoked and is accepted again`);
    }
    // The route's policy said open, and the answer says so: the bound does not hold there.
    if (degraded) return;
    const missed = this.#acknowledged.find(
      ({ entry, at }) => at + this.#rules.boundMilliseconds <= now && isHit(token, entry),
    );
    if (missed !== undefined) {
      const seconds = (now - missed.at) / 1000;
      throw new InvariantBroken(1, `${token.name} is accepted ${seconds} s after its revocation`);
    }
  }
}

function nameOf({ high, low }: ScopeId): string {
  return `${high}.${low}`;
}

function isHit(token: Token, { scopeId, boundSeconds }: RevocationEntry): boolean {
  if (token.issuedAtSeconds > boundSeconds) return false;
  return token.scopeIds.some(({ high, low }) => high === scopeId.high && low === scopeId.low);
}
