/** Writes the immutable objects of the feed: those that a head names before it, others after it. */

import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import { type FeedStore, OBJECT_TTL_SECONDS_MIN } from './feed-store/feed-store.ts';
import type { StampedPlan } from './head-stamper.ts';
import type { PublisherStorage } from './publisher-storage.ts';
import { earliestNextWrite } from './schedule.ts';
import type { StoredSegment } from './segments/plan-segments.ts';
import type { Truth } from './truth.ts';

export interface ObjectWriterParts {
  readonly storage: PublisherStorage;
  readonly feed: FeedStore;
  readonly truth: Pick<Truth, 'durations'>;
  readonly clockSkewSeconds: number;
  readonly heartbeatMilliseconds: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** How long one call of KV may take. A write that comes late carries a lower `seq` and harms nothing. */
export const FEED_STORE_MILLISECONDS_MAX = 10_000;

/** What a head names, and the feed's store was never given. */
class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';
}

export class ObjectWriter {
  readonly #parts: ObjectWriterParts;
  /** Of segments that no head waits for: failures in a row, and when to try again. */
  #failures = 0;
  #earliest = 0;

  constructor(parts: ObjectWriterParts) {
    this.#parts = parts;
  }

  /** Rejects if one of them could not be written: then there is no such head. */
  async writeBefore(plan: StampedPlan): Promise<void> {
    const { clock, feed, storage } = this.#parts;
    for (const hash of plan.keysetsToWrite) {
      const keyset = await storage.keyset(hash);
      if (keyset === undefined) throw new ObjectMissing();
      await within(FEED_STORE_MILLISECONDS_MAX, feed.writeKeyset(hash, keyset.text));
      await storage.keysetWritten(hash, clock.now());
    }
    for (const segment of plan.segmentsToWrite) await this.#writeSegment(segment);
  }

  /**
   * For a head to come. A failure delays nothing but this segment: its entries are in the head. So it is
   * tried again at growing intervals of its own.
   */
  async prepare({ segmentToPrepare: segment }: StampedPlan): Promise<void> {
    const { clock, heartbeatMilliseconds: heartbeat, log, random } = this.#parts;
    if (segment === undefined || clock.now() < this.#earliest) return;
    try {
      await this.#writeSegment(segment);
      this.#failures = 0;
      this.#earliest = 0;
    } catch (error) {
      const failures = ++this.#failures;
      const attempt = { endedAt: clock.now(), failures, heartbeat, random: random() };
      this.#earliest = earliestNextWrite(attempt);
      log('error', 'feed_segment_not_written', { error: nameOf(error), failures });
    }
  }

  async #writeSegment({ hash, expiresAtSeconds }: StoredSegment): Promise<void> {
    const { clock, feed, storage } = this.#parts;
    const content = await storage.segments.content(hash);
    if (content === undefined) throw new ObjectMissing();
    const ttlSeconds = this.#ttlSeconds(expiresAtSeconds, clock.now());
    const written = feed.writeSegment(hash, content, { ttlSeconds });
    await within(FEED_STORE_MILLISECONDS_MAX, written);
    await storage.segments.written(hash, clock.now());
  }

  /** As long as a head may name it, and for one bound more: as long as an edge may trust that head. */
  #ttlSeconds(expiresAtSeconds: number, now: UnixMilliseconds): number {
    const { clockSkewSeconds, truth } = this.#parts;
    const namedFor = expiresAtSeconds + clockSkewSeconds - secondsOf(now);
    return Math.max(0, namedFor) + truth.durations.boundSeconds + OBJECT_TTL_SECONDS_MIN;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
