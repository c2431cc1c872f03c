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
}

export interface HeadStamperParts {
  readonly storage: PublisherStorage;
  readonly feed: Pick<FeedStore, 'arrivalMilliseconds'>;
  readonly environmentId: string;
  readonly clock: Clock;
  readonly signHead: SignHead;
  readonly clockSkewSeconds: number;
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

  constructor(parts: HeadStamperParts) {
    this.#parts = parts;
  }

  /**
   * The stamp, and only then the read, which takes the `seq` with it: this is what `iat` rests on, why
   * no two heads share a `seq`, and why a higher one never lacks what a lower one has.
   */
  async plan(): Promise<StampedPlan> {
    const { clockSkewSeconds, environmentId, storage } = this.#parts;
    const rules = this.rules();
    const { stamp } = rules;
    const moment = await storage.takeMoment(stamp, clockSkewSeconds);
    const plan = planPublication({ ...moment, environmentId }, rules);
    if (plan === undefined) throw new NoKeyset();
    const whole = completeHead(plan, await this.#contentsOf(plan.inline));
    const withdrawn = await this.#withdrawn(moment);
    const head =
      withdrawn.length === 0
        ? whole
        : { ...whole, tail: mergeContents([whole.tail, encodeEntries(mergeEntries(withdrawn))]) };
    return { ...plan, head, stamp, change: moment.change };
  }

  /**
   * Entries of the signing keys that the keyset in use still has and the newest has not: they are retired. The
   * newest may wait for its arrival again and again (`objectsLost`), for longer than the entry of a leaked
   * key lives; until it is named these take its place.
   */
  async #withdrawn({ keysets, reliedKeysetHash }: Moment): Promise<readonly RevocationEntry[]> {
    const newestHash = keysets.at(-1)?.hash;
    if (reliedKeysetHash === undefined || newestHash === undefined) return [];
    if (reliedKeysetHash === newestHash) return [];
    const { storage } = this.#parts;
    const relied = await storage.keyset(reliedKeysetHash);
    const newest = new Set((await storage.keyset(newestHash))?.kids);
    const kids = relied?.kids.filter((kid) => !newest.has(kid)) ?? [];
    return Promise.all(
      kids.map(async (kid) => ({
        scopeId: await scopeIdOfSigningKey(kid),
        boundSeconds: FOR_GOOD,
      })),
    );
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
    const { stamp, head } = await this.plan();
    // Not the keyset that is due next: only the one that the last written head names is known there.
    return this.sign({ head: { ...head, keysetHash: keysetHash ?? head.keysetHash }, stamp });
  }
}
