/**
 * What really happened, kept apart from the code under test, and the invariants of docs/feed.md judged
 * by it. Plain maps and true time: nothing here uses the feed's own look-ups or freshness rules.
 */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import { type FeedHead, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { formatScopeId, type ScopeId } from '@cardea/shared/feed/scope-id';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import type { Token } from './token.ts';

export interface Violation {
  /** Of docs/feed.md; 0 for what should have come right by itself, and did not. */
  readonly invariant: number;
  readonly what: string;
}

export interface LedgerRules {
  readonly now: () => number;
  /** After its retirement a key may verify for so long: the longest life of a token, and the skew. */
  readonly tokenLivesMilliseconds: number;
  /** Between the first confirmed write of an object and the first head that rests on it. */
  readonly arrivalMilliseconds: number;
  /** Of the database's clock, milliseconds: the ends of entries are by it. */
  readonly databaseOffsetMilliseconds: number;
}

interface Acknowledged {
  readonly boundSeconds: number;
  readonly expiresAtSeconds: number;
  /** True time, milliseconds. */
  readonly at: number;
}

interface PublishedHead {
  readonly kids: ReadonlySet<string>;
  /** Scope id → bound, of tail and segments together. */
  readonly bounds: ReadonlyMap<string, number>;
  readonly generation: number;
}

/** What one isolate has answered so far. It forgets with the isolate. */
export interface IsolateRecord {
  seq: number;
  /** Name of the token, and the generation of the head by which it was refused. */
  readonly refusedAsRevoked: Map<string, number>;
}

export class Ledger {
  /** Noted and not thrown: the code under test catches much, as it should. */
  readonly violations: Violation[] = [];
  lastSeq = 0;
  readonly #rules: LedgerRules;
  /** Rises when revocations are left nowhere: later heads need not have what earlier ones had. */
  #generation = 0;
  /** By scope id: the revocations that edges have to obey. */
  readonly #acknowledged = new Map<string, Acknowledged[]>();
  /** Scope id → highest bound. */
  readonly #everAcknowledged = new Map<string, number>();
  readonly #heads = new Map<string, PublishedHead>();
  /** Text of a head that was on its way to KV → its name in `#heads`. */
  readonly #texts = new Map<string, string>();
  readonly #objects = new Map<
    string,
    { readonly kids: ReadonlySet<string>; readonly bounds: ReadonlyMap<string, number> }
  >();
  readonly #confirmedAt = new Map<string, number>();
  readonly #publishedKids = new Set<string>();
  /** kid → true time in milliseconds of its retirement; absent while it is not retired. */
  readonly #retiredAt = new Map<string, number>();
  readonly #leakedAt = new Map<string, number>();
  readonly #seen = new WeakSet<FeedSnapshot>();

  constructor(rules: LedgerRules) {
    this.#rules = rules;
  }

  broken(invariant: number, what: string): void {
    this.violations.push({ invariant, what });
  }

  acknowledge({ scopeId, boundSeconds }: RevocationEntry, expiresAtSeconds: number): void {
    const name = formatScopeId(scopeId);
    const known = this.#acknowledged.get(name) ?? [];
    if (
      known.some(
        (one) => one.boundSeconds >= boundSeconds && one.expiresAtSeconds >= expiresAtSeconds,
      )
    )
      return;
    known.push({ boundSeconds, expiresAtSeconds, at: this.#rules.now() });
    this.#acknowledged.set(name, known);
    const highest = this.#everAcknowledged.get(name) ?? 0;
    this.#everAcknowledged.set(name, Math.max(highest, boundSeconds));
  }

  /** Also if it was lost since. */
  wasAcknowledged({ scopeId, boundSeconds }: RevocationEntry): boolean {
    return (this.#everAcknowledged.get(formatScopeId(scopeId)) ?? -1) >= boundSeconds;
  }

  /**
   * A database was restored: what neither its `rows` nor the head that was read from KV has is left
   * nowhere, and nobody can know of it. A head that was spoilt there has nothing: only its own text is
   * proof. Answers how much that is.
   */
  forgetUnless(
    rows: ReadonlyArray<{ readonly entry: RevocationEntry }>,
    headText: string | undefined,
  ): number {
    const name = this.#texts.get(headText ?? '') ?? '';
    const left = new Map(this.#heads.get(name)?.bounds ?? []);
    for (const { entry } of rows) {
      const scopeId = formatScopeId(entry.scopeId);
      left.set(scopeId, Math.max(entry.boundSeconds, left.get(scopeId) ?? 0));
    }
    let forgotten = 0;
    for (const [scopeId, known] of this.#acknowledged) {
      const kept = known.filter(({ boundSeconds }) => boundSeconds <= (left.get(scopeId) ?? -1));
      forgotten += known.length - kept.length;
      this.#acknowledged.set(scopeId, kept);
    }
    // Edges that knew of it go on with what is known now.
    if (forgotten > 0) {
      this.#generation++;
      this.#leakedAt.clear();
    }
    return forgotten;
  }

  /** The signing keys as the database has them. */
  keysAre(keys: ReadonlyArray<{ readonly kid: string; readonly isRetired: boolean }>): void {
    const present = new Set(keys.map(({ kid }) => kid));
    for (const kid of this.#publishedKids) {
      if (!present.has(kid)) this.#retire(kid);
    }
    for (const { kid, isRetired } of keys) {
      if (isRetired) this.#retire(kid);
      else this.#retiredAt.delete(kid);
    }
  }

  #retire(kid: string): void {
    if (!this.#retiredAt.has(kid)) this.#retiredAt.set(kid, this.#rules.now());
  }

  isRetired(kid: string): boolean {
    return this.#retiredAt.has(kid);
  }

  /** Whoever has the key can mint under it for ever: it must be out for good. */
  keyLeaked(kid: string): void {
    this.#leakedAt.set(kid, this.#rules.now());
  }

  /** The publisher is about to write an object that it made. */
  keysetMade(hash: string, kids: readonly string[]): void {
    this.#objects.set(keysetObject(hash), { kids: new Set(kids), bounds: new Map() });
  }

  segmentMade(hash: string, entries: readonly RevocationEntry[]): void {
    const bounds = new Map(entries.map((one) => [formatScopeId(one.scopeId), one.boundSeconds]));
    this.#objects.set(segmentObject(hash), { kids: new Set(), bounds });
  }

  /** The feed's store has confirmed the write. */
  objectConfirmed(name: string): void {
    if (!this.#confirmedAt.has(name)) this.#confirmedAt.set(name, this.#rules.now());
  }

  /** Invariant 4, second half: no head claims an `iat` that it does not contain. */
  headSigned(head: FeedHead, publisherOffsetMilliseconds: number): void {
    const bounds = this.#boundsOf(head);
    const kids = this.#objects.get(keysetObject(head.keysetHash))?.kids ?? new Set<string>();
    const name = nameOfHead(head);
    const former = this.#heads.get(name);
    if (former !== undefined && !sameBounds(former.bounds, bounds)) {
      this.broken(4, `two heads are number ${head.seq}`);
    }
    this.#heads.set(name, { kids, bounds, generation: this.#generation });
    for (const kid of kids) this.#publishedKids.add(kid);
    this.lastSeq = Math.max(this.lastSeq, head.seq);
    const claimed = head.issuedAtSeconds * 1000 - publisherOffsetMilliseconds;
    const databaseNow = this.#rules.now() + this.#rules.databaseOffsetMilliseconds;
    for (const [scopeId, known] of this.#acknowledged) {
      for (const { at, boundSeconds, expiresAtSeconds } of known) {
        if (at >= claimed || expiresAtSeconds < head.issuedAtSeconds) continue;
        if (expiresAtSeconds * 1000 <= databaseNow) continue; // Over, for whom its end is written.
        if ((bounds.get(scopeId) ?? -1) >= boundSeconds) continue;
        this.broken(4, `head ${head.seq} lacks what its iat claims (${scopeId})`);
      }
    }
  }

  /** Invariant 4, the order of writing: what a head rests on has arrived before it. */
  headWritten(head: FeedHead, compactJws: string): void {
    const { arrivalMilliseconds, now } = this.#rules;
    this.#texts.set(compactJws, nameOfHead(head));
    const keyset = keysetObject(head.keysetHash);
    if (!this.#confirmedAt.has(keyset)) {
      this.broken(4, `head ${head.seq} is written before its keyset`);
    }
    for (const { hash } of head.segments) {
      const confirmedAt = this.#confirmedAt.get(segmentObject(hash)) ?? Number.POSITIVE_INFINITY;
      const isBridged = this.#isInline(head, hash);
      if (confirmedAt + arrivalMilliseconds > now() && !isBridged) {
        this.broken(4, `head ${head.seq} rests on a segment that may not be there`);
      }
    }
  }

  #isInline(head: FeedHead, hash: string): boolean {
    const inline = new Map(head.tail.map((one) => [formatScopeId(one.scopeId), one.boundSeconds]));
    const entries = this.#objects.get(segmentObject(hash))?.bounds ?? new Map<string, number>();
    return [...entries].every(([scopeId, bound]) => (inline.get(scopeId) ?? -1) >= bound);
  }

  #boundsOf(head: FeedHead): Map<string, number> {
    const bounds = new Map<string, number>();
    const take = (scopeId: string, bound: number) =>
      bounds.set(scopeId, Math.max(bound, bounds.get(scopeId) ?? 0));
    for (const { scopeId, boundSeconds } of head.tail) take(formatScopeId(scopeId), boundSeconds);
    for (const { hash } of head.segments) {
      const segment = this.#objects.get(segmentObject(hash));
      if (segment === undefined) this.broken(4, `head ${head.seq} names a segment never made`);
      for (const [scopeId, bound] of segment?.bounds ?? []) take(scopeId, bound);
    }
    return bounds;
  }

  /** Invariants 3 and 5 on what an isolate trusts, before any token is looked at. */
  snapshotTrusted(isolate: IsolateRecord, snapshot: FeedSnapshot): void {
    if (snapshot.seq < isolate.seq) {
      this.broken(3, `an isolate went from head ${isolate.seq} to ${snapshot.seq}`);
    }
    isolate.seq = snapshot.seq;
    if (this.#seen.has(snapshot)) return;
    const published = this.#heads.get(nameOfHead(snapshot));
    if (published === undefined) {
      this.broken(5, `a head that was never signed is trusted: ${snapshot.seq}`);
      return;
    }
    const kids = [...snapshot.jwtKeys.keys()];
    if (kids.length !== published.kids.size || !kids.every((kid) => published.kids.has(kid))) {
      this.broken(5, `head ${snapshot.seq} is trusted with other keys`);
    }
    for (const [scopeId, bound] of published.bounds) {
      if (snapshot.revocations.boundOf(parseName(scopeId)) === bound) continue;
      this.broken(5, `head ${snapshot.seq} is trusted without ${scopeId}`);
    }
    this.#seen.add(snapshot);
  }

  /** Invariant 5: a token is refused as revoked only if the head that is trusted says so. */
  refusedAsRevoked(isolate: IsolateRecord, token: Token, snapshot: FeedSnapshot): void {
    const published = this.#heads.get(nameOfHead(snapshot));
    const isHit = token.scopeIds.some(
      (scopeId) => token.issuedAtSeconds <= (published?.bounds.get(formatScopeId(scopeId)) ?? -1),
    );
    if (!isHit) {
      this.broken(5, `${token.name} is refused, which head ${snapshot.seq} does not say`);
    }
    // What thieves mint lives on when the entry is pruned, until their key is out (invariant 2).
    if (token.isStolen || published === undefined) return;
    isolate.refusedAsRevoked.set(token.name, published.generation);
  }

  /**
   * Invariants 1, 2 and 3 on an acceptance, under the bound that is in force there; none if the route
   * stays open, and the log said so.
   */
  accepted(isolate: IsolateRecord, token: Token, boundMilliseconds: number | undefined): void {
    const now = this.#rules.now();
    if (!this.#publishedKids.has(token.kid)) {
      this.broken(2, `${token.name} is accepted under a key that was never published`);
    }
    const ends = [this.#retiredAt.get(token.kid), this.#leakedAt.get(token.kid)];
    const retiredAt = Math.min(...ends.filter((end) => end !== undefined));
    if (now > retiredAt + this.#rules.tokenLivesMilliseconds) {
      this.broken(2, `${token.name} is accepted under a key that is long retired`);
    }
    if (isolate.refusedAsRevoked.get(token.name) === this.#generation) {
      this.broken(3, `${token.name} was refused as revoked and is accepted again`);
    }
    const missed = boundMilliseconds && this.#missed(token, now - boundMilliseconds);
    if (missed) {
      const seconds = (now - missed.at) / 1000;
      this.broken(1, `${token.name} is accepted ${seconds} s after its revocation`);
    }
  }

  /** A revocation that was acknowledged by then. */
  #missed(token: Token, then: number): Acknowledged | undefined {
    const { databaseOffsetMilliseconds } = this.#rules;
    for (const scopeId of token.scopeIds) {
      const hit = this.#acknowledged
        .get(formatScopeId(scopeId))
        ?.find(
          (one) =>
            one.at <= then &&
            token.issuedAtSeconds <= one.boundSeconds &&
            this.#rules.now() < one.expiresAtSeconds * 1000 - databaseOffsetMilliseconds,
        );
      if (hit !== undefined) return hit;
    }
    return undefined;
  }

  /** What everybody has to refuse now: also the control plane, whatever became of its database. */
  liveEntries(): Array<{ readonly scopeId: string; readonly boundSeconds: number }> {
    const { databaseOffsetMilliseconds, now } = this.#rules;
    const nowSeconds = (now() + databaseOffsetMilliseconds) / 1000;
    return [...this.#acknowledged].flatMap(([scopeId, known]) =>
      known
        .filter(({ expiresAtSeconds }) => expiresAtSeconds > nowSeconds + 1)
        .map(({ boundSeconds }) => ({ scopeId, boundSeconds })),
    );
  }
}

function nameOfHead({ seq, issuedAtSeconds }: Pick<FeedHead, 'seq' | 'issuedAtSeconds'>): string {
  return `${seq} ${issuedAtSeconds}`;
}

function parseName(name: string): ScopeId {
  return { high: Number.parseInt(name.slice(0, 8), 16), low: Number.parseInt(name.slice(8), 16) };
}

function sameBounds(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([scopeId, bound]) => b.get(scopeId) === bound);
}
