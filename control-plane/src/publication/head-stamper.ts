/**
 * Makes heads from the publisher's storage. On Node every process may: whoever asks it over HTTP gets a
 * head of its own. Only the publisher writes them into KV.
 */

import {
  encodeEntries,
  FOR_GOOD,
  mergeEntries,
  type RevocationEntry,
} from '@cardea/shared/feed/entry';
import type { UnsignedHead } from '@cardea/shared/feed/head';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { FEED_HEAD_BYTES_MAX } from '@cardea/shared/limits';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { FeedStore } from './feed-store/feed-store.ts';
import { type KeysetSuccession, NO_SUCCESSION, successionOf } from './keyset-succession.ts';
import { completeHead, type PublicationPlan, planPublication } from './plan-publication.ts';
import type { Moment, PublisherStorage } from './publisher-storage.ts';
import {
  type PublicationRules,
  SEGMENT_LIMITS,
  type SegmentLimits,
  type StoredSegment,
} from './segments/plan-segments.ts';
import { mergeContents } from './segments/segment-content.ts';
import type { SignHead } from './sign-head.ts';

export interface SignedHead {
  readonly seq: number;
  readonly issuedAtSeconds: number;
  readonly keysetHash: string;
  readonly segmentHashes: readonly string[];
  readonly compactJws: string;
}

export interface StampedPlan extends Omit<PublicationPlan, 'headWithoutInline' | 'inline'> {
  readonly head: UnsignedHead;
  readonly stamp: UnixMilliseconds;
  /** How much of what changed in the storage it contains. */
  readonly change: number;
  /** Its keyset may not wait: see `PublicationState`. */
  readonly isKeysetDue: boolean;
}

export interface HeadStamperParts {
  readonly storage: PublisherStorage;
  readonly feed: Pick<FeedStore, 'arrivalMilliseconds'>;
  readonly environmentId: string;
  readonly clock: Clock;
  readonly signHead: SignHead;
  readonly clockSkewSeconds: number;
  /** How long an edge may go on with a former head (`publicationBoundSeconds`). */
  readonly boundSeconds: number;
  /** For tests. */
  readonly segmentLimits?: SegmentLimits;
}

/** How old a head handed out to whoever asks may be. */
const RESTAMP_MILLISECONDS = 1000;

/** Nothing has been learned of any signing key yet. */
class NoKeyset extends Error {
  override readonly name = 'NoKeyset';
}

/** The head is longer than edges read: they would refuse it, so nobody gets it. */
class HeadTooLarge extends Error {
  override readonly name = 'HeadTooLarge';
}

export class HeadStamper {
  readonly #parts: HeadStamperParts;
  /** The last head signed here, with its stamp: for whoever asks within the same second. */
  #last: { readonly head: SignedHead; readonly stamp: UnixMilliseconds } | undefined;
  /** Of the segments that heads do not name yet, by hash. */
  #contents: ReadonlyMap<string, Uint8Array> = new Map();
  /** Of the two keysets that were compared last. Keysets never change. */
  #succession: (KeysetSuccession & { readonly of: string }) | undefined;

  constructor(parts: HeadStamperParts) {
    this.#parts = parts;
  }

  /**
   * The stamp, and only then the read, which takes the `seq` with it: this is what `iat` rests on, why
   * no two heads share a `seq`, and why a higher one never lacks what a lower one has.
   */
  async plan(): Promise<StampedPlan> {
    const { boundSeconds, clockSkewSeconds, environmentId, storage } = this.#parts;
    const rules = this.rules();
    const { stamp } = rules;
    const moment = await storage.takeMoment(stamp, clockSkewSeconds);
    const { withdrawnKids, earliestEndSeconds } = await this.#successionIn(moment);
    const isKeysetDue =
      earliestEndSeconds !== undefined && (earliestEndSeconds - boundSeconds) * 1000 <= stamp;
    const state = { ...moment, environmentId, isNewestKeysetDue: isKeysetDue };
    const plan = planPublication(state, rules);
    if (plan === undefined) throw new NoKeyset();
    const whole = completeHead(plan, await this.#contentsOf(plan.inline));
    const withdrawn = await entriesOfSigningKeys(withdrawnKids);
    const head =
      withdrawn.length === 0
        ? whole
        : { ...whole, tail: mergeContents([whole.tail, encodeEntries(mergeEntries(withdrawn))]) };
    return { ...plan, head, stamp, change: moment.change, isKeysetDue };
  }

  /** From the keyset that heads name to the newest: what has left it has an entry until that is named. */
  async #successionIn({ keysets, reliedKeysetHash }: Moment): Promise<KeysetSuccession> {
    const newestHash = keysets.at(-1)?.hash;
    if (reliedKeysetHash === undefined || newestHash === undefined) return NO_SUCCESSION;
    if (reliedKeysetHash === newestHash) return NO_SUCCESSION;
    const of = `${reliedKeysetHash} ${newestHash}`;
    if (this.#succession?.of === of) return this.#succession;
    const { storage } = this.#parts;
    const relied = await storage.keyset(reliedKeysetHash);
    const newest = await storage.keyset(newestHash);
    if (relied === undefined || newest === undefined) return NO_SUCCESSION;
    this.#succession = { ...successionOf(relied.text, newest.text), of };
    return this.#succession;
  }

  /** With the stamp of this moment. */
  rules(): PublicationRules {
    const { clock, clockSkewSeconds, feed, segmentLimits: limits = SEGMENT_LIMITS } = this.#parts;
    const { arrivalMilliseconds } = feed;
    return { stamp: clock.now(), clockSkewSeconds, arrivalMilliseconds, limits };
  }

  /** Contents never change: those of the head before are at hand. */
  async #contentsOf(segments: readonly StoredSegment[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const contents = new Map<string, Uint8Array>();
    for (const { hash } of segments) {
      const content =
        this.#contents.get(hash) ?? (await this.#parts.storage.segments.content(hash));
      if (content !== undefined) contents.set(hash, content);
    }
    this.#contents = contents;
    return contents;
  }

  async sign({ head, stamp }: Pick<StampedPlan, 'head' | 'stamp'>): Promise<SignedHead> {
    const compactJws = await this.#parts.signHead(head);
    if (compactJws.length > FEED_HEAD_BYTES_MAX) throw new HeadTooLarge();
    const { seq, issuedAtSeconds, keysetHash, segments } = head;
    const segmentHashes = segments.map(({ hash }) => hash);
    const signed = { seq, issuedAtSeconds, keysetHash, segmentHashes, compactJws };
    if (seq > (this.#last?.head.seq ?? 0)) this.#last = { head: signed, stamp };
    return signed;
  }

  /** A head at most a second old, stamped anew without writing KV; none before the first was written. */
  async head(): Promise<SignedHead | undefined> {
    const { clock, storage } = this.#parts;
    const age = clock.now() - (this.#last?.stamp ?? Number.NEGATIVE_INFINITY);
    if (this.#last !== undefined && age >= 0 && age < RESTAMP_MILLISECONDS) return this.#last.head;
    const { publishedSeq, keysetHash } = await storage.memory();
    if (publishedSeq === undefined) return undefined;
    const { stamp, head, isKeysetDue } = await this.plan();
    // A keyset that need not be named yet waits for the head in KV, which the keys' lives go by.
    const named = isKeysetDue ? head.keysetHash : (keysetHash ?? head.keysetHash);
    return this.sign({ head: { ...head, keysetHash: named }, stamp });
  }
}

function entriesOfSigningKeys(kids: readonly string[]): Promise<readonly RevocationEntry[]> {
  return Promise.all(
    kids.map(async (kid) => ({
      scopeId: await scopeIdOfSigningKey(kid),
      boundSeconds: FOR_GOOD,
    })),
  );
}
