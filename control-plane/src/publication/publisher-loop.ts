/**
 * Tries for the lock, and runs the publisher's alarms by timer while this process holds it. When the lock
 * or its connection is lost the term ends at once: nothing more is written, and the lock is tried for.
 */

import type { RandomBytes } from '@cardea/shared/crypto/random';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import type { FeedStore } from './feed-store/feed-store.ts';
import { Pause } from './pause.ts';
import { type AlarmClock, Publisher, type PublisherParts } from './publisher.ts';
import type { PublisherBell, PublisherLock, PublisherTerm } from './publisher-lock.ts';
import type { PublisherStorage } from './publisher-storage.ts';
import { earliestNextWrite, HEAD_WRITE_INTERVAL_MILLISECONDS } from './schedule.ts';
import type { Truth } from './truth.ts';

export interface NodePublisherParts {
  readonly config: Pick<
    ControlPlaneConfig,
    'environmentId' | 'feedSigningKey' | 'feedHeartbeatSeconds' | 'clockSkewSeconds'
  >;
  /** `database/publisher-storage.pg`; without a term: to answer whoever asks. */
  readonly storageOf: (term?: bigint) => PublisherStorage;
  /** `database/publisher-lock.pg` */
  readonly lock: PublisherLock;
  /** Absent where there is one process. */
  readonly bell?: PublisherBell;
  /** `feed-store.rest.node`, or `feed-store.none`. */
  readonly feed: FeedStore;
  readonly truth: Truth;
  /** Called after each alarm of the process that holds the lock: what else one alone should do. */
  readonly afterAlarm: () => void;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
}

export type LoopParts = NodePublisherParts & Pick<PublisherParts, 'signHead' | 'feedKeys'>;

/** How often the lock is tried for, and asked after by whoever holds it. */
const LOCK_MILLISECONDS = 1000;
/** How long a revoking client waits for the publisher to be told. */
const RING_MILLISECONDS_MAX = 1000;
/** How long a stop waits for the time at which KV takes another head. */
const LAST_WRITE_MILLISECONDS_MAX = 5000;

/** The lock has gone to another process, or nobody knows who has it. */
class TermOver extends Error {
  override readonly name = 'TermOver';
}

export class PublisherLoop {
  readonly #parts: LoopParts;
  #running: Promise<void> | undefined;
  #isStopping = false;
  /** While this process holds the lock. */
  #publisher: Publisher | undefined;
  readonly #pause = new Pause();

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  get isPublishing(): boolean {
    return this.#publisher !== undefined;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#pause.end();
    await this.#running;
  }

  /** Has the publisher write soon, wherever it runs. Never rejects: it looks by itself, only later. */
  async tell(): Promise<void> {
    const { bell, log } = this.#parts;
    try {
      if (this.#publisher !== undefined) await this.#wake();
      else if (bell !== undefined) await within(RING_MILLISECONDS_MAX, bell.ring());
    } catch (error) {
      log('error', 'publisher_not_told', { error: nameOf(error) });
    }
  }

  async #wake(): Promise<void> {
    await this.#publisher?.poke({ soon: true });
    this.#pause.end();
  }

  async #run(): Promise<void> {
    const { lock, log } = this.#parts;
    while (!this.#isStopping) {
      const term = await lock.acquire();
      if (term === undefined) {
        await this.#pause.of(LOCK_MILLISECONDS);
        continue;
      }
      log('info', 'publisher_term_began', {});
      await this.#serve(term);
      log('info', 'publisher_term_ended', {});
    }
    await lock.close();
  }

  /** Runs the alarms of one term, until the lock is lost or the process stops. */
  async #serve(term: PublisherTerm): Promise<void> {
    // The one who had the lock before may have written a moment ago.
    const firstWriteAt = this.#parts.clock.now() + HEAD_WRITE_INTERVAL_MILLISECONDS;
    const alarm = new TermAlarm(unixMilliseconds(firstWriteAt));
    const publisher = new Publisher(this.#partsOf(term, alarm));
    const end = { isReached: false, pause: new Pause() };
    const watching = this.#watch(term, end);
    this.#publisher = publisher;
    const unlisten = await this.#listen();
    let failures = 0;
    while (!end.isReached && !this.#isStopping) {
      const wait = alarm.at - this.#parts.clock.now();
      if (wait > 0) await this.#pause.of(wait);
      else failures = await this.#runAlarm(publisher, { alarm, failures });
    }
    if (!end.isReached) await this.#writeLast(publisher, alarm);
    this.#publisher = undefined;
    end.isReached = true;
    end.pause.end();
    await Promise.all([watching, unlisten()]);
  }

  #partsOf(term: PublisherTerm, alarm: TermAlarm): PublisherParts {
    const { clock, config, feed, feedKeys, log, randomBytes, signHead, storageOf, truth } =
      this.#parts;
    return {
      ...{ alarm, clock, feedKeys, log, signHead, truth },
      storage: storageOf(term.id),
      feed: onlyWhileHeld(feed, term),
      environmentId: config.environmentId,
      entryLivesSeconds: truth.durations.tokenLivesSeconds,
      clockSkewSeconds: config.clockSkewSeconds,
      heartbeatMilliseconds: config.feedHeartbeatSeconds * 1000,
      random: () => (randomBytes(1)[0] ?? 0) / 255,
    };
  }

  /** Answers the failures in a row: an alarm throws when the database, its storage, is away. */
  async #runAlarm(
    publisher: Publisher,
    { alarm, failures }: { readonly alarm: TermAlarm; readonly failures: number },
  ): Promise<number> {
    const { afterAlarm, clock, config, log, randomBytes } = this.#parts;
    try {
      await publisher.runAlarm();
      afterAlarm();
      return 0;
    } catch (error) {
      log('error', 'feed_not_published', { error: nameOf(error), failures: failures + 1 });
      const attempt = {
        endedAt: clock.now(),
        failures: failures + 1,
        heartbeat: config.feedHeartbeatSeconds * 1000,
        random: (randomBytes(1)[0] ?? 0) / 255,
      };
      await alarm.set(earliestNextWrite(attempt));
      return failures + 1;
    }
  }

  /** What waits for the second that KV wants between two heads is written before the process ends. */
  async #writeLast(publisher: Publisher, alarm: TermAlarm): Promise<void> {
    const wait = alarm.at - this.#parts.clock.now();
    if (wait > LAST_WRITE_MILLISECONDS_MAX) return;
    if (wait > 0) await this.#pause.of(wait);
    await this.#runAlarm(publisher, { alarm, failures: 0 });
  }

  async #watch(term: PublisherTerm, end: TermEnd): Promise<void> {
    while (!end.isReached) {
      await end.pause.of(LOCK_MILLISECONDS);
      if (end.isReached || (await term.isHeld())) continue;
      end.isReached = true;
      this.#pause.end();
    }
  }

  /** Without rings the publisher still looks at every heartbeat. */
  async #listen(): Promise<() => Promise<void>> {
    const { bell, log } = this.#parts;
    const heard = () => {
      this.#wake().catch((error) => log('error', 'publisher_not_told', { error: nameOf(error) }));
    };
    try {
      if (bell === undefined) return async () => {};
      return await within(RING_MILLISECONDS_MAX, bell.listen(heard));
    } catch (error) {
      log('error', 'publisher_hears_nothing', { error: nameOf(error) });
      return async () => {};
    }
  }
}

interface TermEnd {
  isReached: boolean;
  readonly pause: Pause;
}

/** In memory: an alarm matters as long as its term lasts, and each begins with one. */
class TermAlarm implements AlarmClock {
  at: UnixMilliseconds;
  readonly #earliest: UnixMilliseconds;

  constructor(earliest: UnixMilliseconds) {
    this.at = earliest;
    this.#earliest = earliest;
  }

  async get(): Promise<number> {
    return this.at;
  }

  async set(at: UnixMilliseconds): Promise<void> {
    this.at = unixMilliseconds(Math.max(at, this.#earliest));
  }
}

/**
 * Asks for the lock before each write. A process may still stand still between the answer and the write,
 * for longer than the lock lasts, and write when another one publishes already. Such a head has a lower
 * `seq`, so no edge that has seen a later one takes it; and it says with its own `iat` how old it is, so
 * that one which has seen none trusts it for no longer than its bound. The next heartbeat covers it.
 */
function onlyWhileHeld(feed: FeedStore, term: PublisherTerm): FeedStore {
  const ifHeld = async (write: () => Promise<void>) => {
    if (!(await term.isHeld())) throw new TermOver();
    await write();
  };
  return {
    arrivalMilliseconds: feed.arrivalMilliseconds,
    readHead: () => feed.readHead(),
    readSegment: (hash) => feed.readSegment(hash),
    writeKeyset: (hash, text) => ifHeld(() => feed.writeKeyset(hash, text)),
    writeSegment: (hash, content, life) => ifHeld(() => feed.writeSegment(hash, content, life)),
    writeHead: (compactJws) => ifHeld(() => feed.writeHead(compactJws)),
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
