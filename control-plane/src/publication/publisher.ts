/**
 * The single writer of the feed. Revocations enter through `acknowledge`; whatever writes KV happens
 * in `runAlarm`, one at a time. See docs/feed.md for what "acknowledged" and `iat` mean.
 */

import type { FeedHead } from '@cardea/shared/feed/head';
import { FEED_HEAD_BYTES_MAX } from '@cardea/shared/limits';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { within } from '../within.ts';
import type { LiveEntry } from './hub-storage.ts';
import { type PublicationPlan, planPublication } from './plan-publication.ts';
import { type Recovery, recover } from './recover.ts';
import { earliestNextWrite, nextAlarm } from './schedule.ts';
import type { SignHead } from './sign-head.ts';
import { synchroniseRevocations, synchroniseSigningKeys } from './synchronise.ts';

export interface AlarmClock {
  get(): Promise<number | null>;
  set(at: UnixMilliseconds): Promise<void>;
}

export interface PublisherParts extends Recovery {
  readonly alarm: AlarmClock;
  readonly clock: Clock;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly signHead: SignHead;
  readonly heartbeatMilliseconds: number;
  readonly clockSkewSeconds: number;
}

export interface SignedHead {
  readonly seq: number;
  readonly issuedAtSeconds: number;
  readonly keysetHash: string;
  readonly compactJws: string;
}

/** How long the database may take before a heartbeat goes on without it; less for short bounds. */
const DATABASE_MILLISECONDS_MAX = 3000;
/** How long one call of KV may take. A write that comes late carries a lower `seq` and harms nothing. */
const FEED_STORE_MILLISECONDS_MAX = 10_000;
/** How long the gathering at a first start may take: it reads every live revocation. */
const RECOVERY_MILLISECONDS_MAX = 60_000;
/** How old a head handed out to whoever asks may be. */
const RESTAMP_MILLISECONDS = 1000;
/** How late an alarm may be before it counts as lost. */
const ALARM_LATE_MILLISECONDS = 60_000;

/** Nothing has been learned of any signing key yet. */
class NoKeyset extends Error {
  override readonly name = 'NoKeyset';
}

/** The head is longer than edges read: they would refuse it, so it is not written. */
class HeadTooLarge extends Error {
  override readonly name = 'HeadTooLarge';
}

export class Publisher {
  readonly #parts: PublisherParts;
  /** While an alarm runs, only its end sets the next one; a wish for it is noted here. */
  #isInAlarm = false;
  #isWakeWanted = false;
  /** The last head signed here, with its stamp: for whoever asks within the same second. */
  #lastHead: { readonly head: SignedHead; readonly stamp: UnixMilliseconds } | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Takes entries into durable storage; when this returns, the bound runs. */
  async acknowledge(entries: readonly LiveEntry[]): Promise<void> {
    await this.#parts.storage.takeEntries(entries);
    await this.#armEarliest();
  }

  /** Makes sure that an alarm is set; with `soon`, at the earliest time allowed. */
  async poke({ soon }: { readonly soon: boolean }): Promise<void> {
    const { alarm, clock } = this.#parts;
    const set = await alarm.get();
    const isLost = set === null || set + ALARM_LATE_MILLISECONDS < clock.now();
    if (soon || isLost) await this.#armEarliest();
  }

  /** Everything that is due now. Never throws for an outage: it sets the next alarm instead. */
  async runAlarm(): Promise<void> {
    const { alarm, clock, heartbeatMilliseconds: heartbeat } = this.#parts;
    this.#isInAlarm = true;
    this.#isWakeWanted = false;
    try {
      // First of all, so that a crash below leaves an alarm behind.
      await alarm.set(unixMilliseconds(clock.now() + heartbeat));
      await this.#attempt();
    } finally {
      // What arrives from here on arms the alarm itself: no await until the alarm is set.
      this.#isInAlarm = false;
    }
    const now = clock.now();
    const { failures, earliest_at_ms: earliest } = this.#parts.storage.publisher();
    const isWorkWaiting = failures > 0 || this.#isWakeWanted || this.#isChangeWaiting();
    const next = { now, earliest: unixMilliseconds(earliest), heartbeat, isWorkWaiting };
    await alarm.set(nextAlarm(next));
  }

  async #attempt(): Promise<void> {
    const { clock, heartbeatMilliseconds: heartbeat, log, random, storage } = this.#parts;
    let failures = 0;
    let failure: string | null = null;
    try {
      await this.#publish();
    } catch (error) {
      // Outages are repaired by trying again; a bug shows in the log and in `status`.
      failures = storage.publisher().failures + 1;
      failure = nameOf(error);
      log('error', 'feed_not_published', { error: failure, failures });
    }
    const attempt = { endedAt: clock.now(), failures, heartbeat, random: random() };
    storage.attemptEnded({ failures, earliest: earliestNextWrite(attempt), error: failure });
  }

  /** A head at most a second old, stamped anew without writing KV; none before the first was written. */
  async head(): Promise<SignedHead | undefined> {
    const { clock, storage } = this.#parts;
    const now = clock.now();
    const last = this.#lastHead;
    const age = last === undefined ? Number.POSITIVE_INFINITY : now - last.stamp;
    if (last !== undefined && age >= 0 && age < RESTAMP_MILLISECONDS) return last.head;
    if (storage.publisher().published_seq === null) return undefined;
    const { stamp, head } = this.#plan();
    // Not the keyset that is due next: only the one that the last written head names is known there.
    const keysetHash = storage.publisher().keyset_hash ?? head.keysetHash;
    return this.#sign({ ...head, keysetHash }, stamp);
  }

  async #publish(): Promise<void> {
    const { clock, feed, storage } = this.#parts;
    if (storage.publisher().recovered === 0) {
      await within(RECOVERY_MILLISECONDS_MAX, recover(this.#parts, clock.now()));
    }
    await this.#synchronise();
    const before = storage.publisher().keyset_hash;
    const { stamp, head, keysetsToWrite, change } = this.#plan();
    for (const hash of keysetsToWrite) {
      const text = storage.keyset(hash)?.text ?? '';
      await within(FEED_STORE_MILLISECONDS_MAX, feed.writeKeyset(hash, text));
      storage.keysetWritten(hash, clock.now());
    }
    const { compactJws } = await this.#sign(head, stamp);
    await within(FEED_STORE_MILLISECONDS_MAX, feed.writeHead(compactJws));
    const { seq, keysetHash } = head;
    storage.headWritten({ seq, keysetHash, change, at: clock.now() });
    // A tenant's first key may be used from now on: see `signing-keys/signing-key`.
    if (keysetHash !== before) await this.#synchronise();
  }

  /**
   * The stamp, then the read, then the `seq` taken, with nothing between: this is what `iat` rests on,
   * and why no two heads share a `seq`.
   */
  #plan(): PublicationPlan & { readonly stamp: UnixMilliseconds; readonly change: number } {
    const { clock, clockSkewSeconds, environmentId, storage } = this.#parts;
    const stamp = clock.now();
    storage.prune(stamp, clockSkewSeconds);
    const state = storage.read(environmentId);
    const plan = planPublication(state, stamp);
    if (plan === undefined) throw new NoKeyset();
    storage.takeSeq(plan.head.seq);
    return { ...plan, stamp, change: state.change };
  }

  async #sign(head: FeedHead, stamp: UnixMilliseconds): Promise<SignedHead> {
    const { signHead, storage } = this.#parts;
    // A `seq` is durably used up before anything carries it.
    await storage.settled();
    const compactJws = await signHead(head);
    if (compactJws.length > FEED_HEAD_BYTES_MAX) throw new HeadTooLarge();
    const { seq, issuedAtSeconds, keysetHash } = head;
    const signed = { seq, issuedAtSeconds, keysetHash, compactJws };
    if (stamp >= (this.#lastHead?.stamp ?? 0)) this.#lastHead = { head: signed, stamp };
    return signed;
  }

  /** The database may be away: then the publisher goes on with what it has, and says so. */
  async #synchronise(): Promise<void> {
    const { heartbeatMilliseconds, log, storage, truth } = this.#parts;
    const milliseconds = Math.min(DATABASE_MILLISECONDS_MAX, heartbeatMilliseconds / 2);
    const abort = new AbortController();
    try {
      await within(milliseconds, synchroniseRevocations(storage, truth));
      await within(milliseconds, synchroniseSigningKeys(storage, truth, abort.signal));
    } catch (error) {
      log('error', 'feed_not_synchronised', { error: nameOf(error) });
    } finally {
      abort.abort(); // An answer that comes late must not replace what came after it.
    }
  }

  #isChangeWaiting(): boolean {
    const { change, published_change: published } = this.#parts.storage.publisher();
    return change > published;
  }

  async #armEarliest(): Promise<void> {
    if (this.#isInAlarm) {
      this.#isWakeWanted = true;
      return;
    }
    const { alarm, clock, storage } = this.#parts;
    const at = unixMilliseconds(Math.max(clock.now(), storage.publisher().earliest_at_ms));
    const set = await alarm.get();
    if (set === null || set > at) await alarm.set(at);
  }
}

/** Names only: a message may quote what it failed on. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
