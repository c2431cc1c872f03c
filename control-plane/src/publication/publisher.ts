/**
 * The single writer of the feed. On Workers revocations enter through `acknowledge`, on Node with the
 * commit of their cause; whatever writes KV happens in `runAlarm`, one at a time. See docs/feed.md for
 * what "acknowledged" and `iat` mean.
 */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { TimedOut, within } from '../within.ts';
import { HeadStamper, type HeadStamperParts, type SignedHead } from './head-stamper.ts';
import { FEED_STORE_MILLISECONDS_MAX, ObjectWriter } from './object-writer.ts';
import type { LiveEntry } from './publisher-storage.ts';
import { type Recovery, recover } from './recover.ts';
import { alarmAfterCrash, earliestNextWrite, nextAlarm } from './schedule.ts';
import { bucketSecondsOf } from './segments/plan-segments.ts';
import { tendSegments } from './segments/tend-segments.ts';
import { synchronise } from './synchronise.ts';

export interface AlarmClock {
  get(): Promise<number | null>;
  set(at: UnixMilliseconds): Promise<void>;
}

export interface PublisherParts extends Recovery, Omit<HeadStamperParts, 'feed' | 'boundSeconds'> {
  readonly alarm: AlarmClock;
  readonly clock: Clock;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly heartbeatMilliseconds: number;
}

/** How long the database may take before a heartbeat goes on without it. */
const DATABASE_MILLISECONDS_MAX = 3000;
/** How long the gathering at a first start may take: it reads every live revocation. */
const RECOVERY_MILLISECONDS_MAX = 60_000;
/** Rows that one head marks as published. More than these are marked by the heads that follow. */
const MARKED_MAX = 2000;
/** How late an alarm may be before it counts as lost. */
const ALARM_LATE_MILLISECONDS = 60_000;

export class Publisher {
  readonly #parts: PublisherParts;
  readonly #stamper: HeadStamper;
  readonly #objects: ObjectWriter;
  /** While an alarm runs, only its end sets the next one; a wish for it is noted here. */
  #isInAlarm = false;
  #isWakeWanted = false;
  /** When a row that waits takes effect, as far as the database has told. */
  #effectAt: UnixMilliseconds | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    const { boundSeconds } = parts.truth.durations;
    this.#stamper = new HeadStamper({ ...parts, boundSeconds });
    this.#objects = new ObjectWriter(parts);
  }

  /** Takes entries into a storage of its own, durably; when this returns, the bound runs. */
  async acknowledge(entries: readonly LiveEntry[]): Promise<void> {
    await this.#parts.storage.apart?.takeEntries(entries);
    await this.#armEarliest();
  }

  /** Makes sure that an alarm is set; with `soon`, at the earliest time allowed. */
  async poke({ soon }: { readonly soon: boolean }): Promise<void> {
    const { alarm, clock, heartbeatMilliseconds: heartbeat } = this.#parts;
    const set = await alarm.get();
    const now = clock.now();
    const isLost = set === null || set + ALARM_LATE_MILLISECONDS < now;
    // Of a longer heartbeat than is configured now, or of a clock that was ahead.
    const isFar = set !== null && set > now + heartbeat;
    if (soon || isLost || isFar) await this.#armEarliest();
  }

  /**
   * Everything that is due now. Never throws for an outage of KV, or of a database that is not its
   * storage: it sets the next alarm instead.
   */
  async runAlarm(): Promise<void> {
    const { alarm, clock, heartbeatMilliseconds: heartbeat, storage } = this.#parts;
    this.#isInAlarm = true;
    this.#isWakeWanted = false;
    let memory: Awaited<ReturnType<typeof storage.memory>>;
    try {
      await alarm.set(alarmAfterCrash(clock.now(), heartbeat)); // First of all.
      await this.#attempt();
      memory = await storage.memory();
    } finally {
      // What arrives from here on arms the alarm itself: no await until the alarm is set.
      this.#isInAlarm = false;
    }
    const { failures, earliest, isChangeWaiting } = memory;
    const isWorkWaiting = failures > 0 || this.#isWakeWanted || isChangeWaiting;
    const situation = { now: clock.now(), earliest, heartbeat, isWorkWaiting };
    const effectAt = this.#effectAt;
    await alarm.set(nextAlarm(effectAt === undefined ? situation : { ...situation, effectAt }));
  }

  /** A head at most a second old, stamped anew without writing KV; none before the first was written. */
  async head(): Promise<SignedHead | undefined> {
    return this.#stamper.head();
  }

  async #attempt(): Promise<void> {
    const { clock, heartbeatMilliseconds: heartbeat, log, random, storage } = this.#parts;
    let failures = 0;
    let failure: string | undefined;
    try {
      await this.#publish();
    } catch (error) {
      // Outages are repaired by trying again; a bug shows in the log and in `status`.
      failures = (await storage.memory()).failures + 1;
      failure = nameOf(error);
      log('error', 'feed_not_published', { error: failure, failures });
    }
    const attempt = { endedAt: clock.now(), failures, heartbeat, random: random() };
    const earliest = earliestNextWrite(attempt);
    await storage.attemptEnded({
      ...{ failures, earliest },
      ...(failure === undefined ? {} : { error: failure }),
    });
  }

  async #publish(): Promise<void> {
    const { clock, feed, storage } = this.#parts;
    const before = await storage.memory();
    if (!before.isRecovered) {
      await within(RECOVERY_MILLISECONDS_MAX, recover(this.#parts, clock.now()));
    }
    await this.#synchronise();
    await this.#tendSegments();
    const unpublished = await this.#unpublished();
    const plan = await this.#stamper.plan();
    await this.#objects.writeBefore(plan);
    const { compactJws, keysetHash, seq } = await this.#stamper.sign(plan);
    await within(FEED_STORE_MILLISECONDS_MAX, feed.writeHead(compactJws));
    await storage.headWritten({ seq, keysetHash, change: plan.change, at: clock.now() });
    await this.#markPublished(unpublished, seq);
    await this.#objects.prepare(plan);
    // A tenant's first key may be used from now on: see `signing-keys/signing-key`.
    if (keysetHash !== before.keysetHash) await this.#synchronise();
  }

  /** A head can do without it for as long as the tail fits, and says so itself when it does not. */
  async #tendSegments(): Promise<void> {
    const { entryLivesSeconds, log, storage } = this.#parts;
    const bucketSeconds = bucketSecondsOf(entryLivesSeconds);
    try {
      await tendSegments(storage.segments, { ...this.#stamper.rules(), bucketSeconds });
    } catch (error) {
      log('error', 'feed_segments_not_tended', { error: nameOf(error) });
    }
  }

  /** Rows that are in the live set already, so that every head from now on contains them. */
  async #unpublished(): Promise<readonly string[]> {
    const { log, storage, truth } = this.#parts;
    const wanted = { count: MARKED_MAX, acknowledgedOnly: storage.apart !== undefined };
    try {
      return await within(this.#databaseMilliseconds, truth.revocations.unpublished(wanted));
    } catch (error) {
      log('error', 'feed_not_synchronised', { error: nameOf(error) });
      return []; // The next head is as good.
    }
  }

  async #markPublished(revocationIds: readonly string[], seq: number): Promise<void> {
    const { log, truth } = this.#parts;
    if (revocationIds.length === 0) return;
    try {
      const marked = truth.revocations.markPublished(revocationIds, seq);
      await within(this.#databaseMilliseconds, marked);
    } catch (error) {
      log('error', 'feed_not_synchronised', { error: nameOf(error) });
    }
  }

  /** Less for short bounds. */
  get #databaseMilliseconds(): number {
    return Math.min(DATABASE_MILLISECONDS_MAX, this.#parts.heartbeatMilliseconds / 2);
  }

  /** The database may be away: then the publisher goes on with what it has, and says so. */
  async #synchronise(): Promise<void> {
    const { log, storage, truth } = this.#parts;
    const abort = new AbortController();
    const steps = [
      ...synchronise({ storage, truth, log, signal: abort.signal }),
      () => this.#lookAhead(),
    ];
    for (const step of steps) {
      try {
        await within(this.#databaseMilliseconds, step());
      } catch (error) {
        log('error', 'feed_not_synchronised', { error: nameOf(error) });
        // Whatever else went wrong concerns one step; an outage concerns them all.
        if (error instanceof StoreUnavailable || error instanceof TimedOut) break;
      }
    }
    abort.abort(); // An answer that comes late must not replace what came after it.
    // What there was no time for goes on after this head, not a heartbeat later.
    if ((await storage.apart?.restorationProgress()) !== undefined) this.#isWakeWanted = true;
  }

  async #lookAhead(): Promise<void> {
    const effectAt = await this.#parts.truth.revocations.nextEffectAt();
    this.#effectAt = effectAt === undefined ? undefined : unixMilliseconds(effectAt * 1000);
  }

  async #armEarliest(): Promise<void> {
    if (this.#isInAlarm) {
      this.#isWakeWanted = true;
      return;
    }
    const { alarm, clock, storage } = this.#parts;
    const { earliest } = await storage.memory();
    const at = unixMilliseconds(Math.max(clock.now(), earliest));
    const set = await alarm.get();
    if (set === null || set > at) await alarm.set(at);
  }
}

/** Names only: a message may quote what it failed on. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
