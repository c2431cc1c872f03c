/**
 * The hub of a run: the shipped publisher on the shipped hub storage, with the alarm and the life of a
 * Durable Object around them. It may be away, crash at every await, and lose what it had not yet
 * waited for; the next call or alarm starts it again.
 */

import {
  type HubApi,
  type ServedHead,
  servedHeadOf,
} from '@cardea/control-plane/publication/hub/hub-api';
import { HubStorage } from '@cardea/control-plane/publication/hub/hub-storage';
import { Publisher, type PublisherParts } from '@cardea/control-plane/publication/publisher';
import type {
  LiveEntry,
  PublisherStorage,
} from '@cardea/control-plane/publication/publisher-storage';
import { DurableObjectStorageStandIn } from './durable-object-storage.ts';
import { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';
import type { World } from './world.ts';

export interface HubParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly crashChance: () => number;
  readonly onCrash: (place: string) => void;
  /** A publisher's parts for one process, all but what the hub itself is: storage and alarm. */
  readonly partsIn: (process: Process) => Omit<PublisherParts, 'storage' | 'alarm'>;
  /** What is put around the storage: to watch it, or to plant a flaw. */
  readonly around: (storage: HubStorage) => PublisherStorage;
  readonly fail: (error: unknown) => void;
  /** A planted flaw: `sync` waits for nothing. */
  readonly syncsTooEarly: boolean;
}

/** When the runtime runs an alarm again that came to no end. */
const RETRY_MILLISECONDS = 2_000;
/** How long a call waits for a hub that is away. */
const AWAY_MILLISECONDS = 5_000;

class HubAway extends Error {
  override name = 'HubAway';
}

export class Hub implements Pick<HubApi, 'acknowledge' | 'poke' | 'head' | 'keyset' | 'segment'> {
  isUp = true;
  readonly storage: DurableObjectStorageStandIn;
  readonly #parts: HubParts;
  #process: Process | undefined;
  #publisher: Publisher | undefined;
  #hubStorage: PublisherStorage | undefined;
  #alarmAt: number | null = null;
  #callOffAlarm = () => {};
  #isInAlarm = false;
  #isAlarmWaiting = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.storage = new DurableObjectStorageStandIn(parts);
  }

  acknowledge(entries: readonly LiveEntry[]): Promise<void> {
    return this.#call((publisher) => publisher.acknowledge(entries));
  }

  poke(wish: { readonly soon: boolean }): Promise<void> {
    return this.#call((publisher) => publisher.poke(wish));
  }

  head(): Promise<ServedHead | null> {
    return this.#call(async (publisher) => {
      const head = await publisher.head();
      return head === undefined ? null : servedHeadOf(head);
    });
  }

  keyset(hash: string): Promise<string | null> {
    return this.#call(async () => (await this.#hubStorage?.keyset(hash))?.text ?? null);
  }

  segment(hash: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#call(async () => (await this.#hubStorage?.segments.content(hash)) ?? null);
  }

  /** The mark that it believes the database to carry. */
  get mark(): number {
    // A hub that ended before its first sync has not even its tables.
    const tables = "SELECT 1 FROM sqlite_master WHERE name = 'notes'";
    if (this.storage.sql.exec(tables).toArray().length === 0) return 0;
    const [row] = this.storage.sql.exec("SELECT value FROM notes WHERE name = 'mark'").toArray();
    return Number(row?.value ?? 0);
  }

  /** The object is evicted, or its machine fails. */
  crash(): void {
    this.#process?.end();
    this.#hasEnded();
  }

  /** Everything that it remembers is lost, its alarm too. */
  loseStorage(): void {
    this.crash();
    this.storage.lose();
    this.#setAlarm(null);
  }

  async #call<T>(work: (publisher: Publisher) => Promise<T>): Promise<T> {
    const { world, random } = this.#parts;
    await world.sleep(random.integer(1, 30));
    if (!this.isUp) {
      await world.sleep(random.integer(10, AWAY_MILLISECONDS));
      throw new HubAway();
    }
    const { process, publisher } = await this.#started();
    const answer = await process.call(() => work(publisher));
    await world.sleep(random.integer(1, 30));
    return answer;
  }

  async #started(): Promise<{ readonly process: Process; readonly publisher: Publisher }> {
    if (this.#process !== undefined && this.#publisher !== undefined) {
      return { process: this.#process, publisher: this.#publisher };
    }
    const { world, random, crashChance, onCrash, partsIn, around } = this.#parts;
    const process = new Process({
      ...{ name: 'hub', world, random, crashChance },
      onCrash: (place) => {
        onCrash(place);
        this.#hasEnded();
      },
    });
    const hubStorage = around(new HubStorage(this.storage as never));
    const alarm = {
      get: async () => this.#alarmAt,
      set: async (at: number) => this.#setAlarm(at),
    };
    const publisher = new Publisher({
      ...partsIn(process),
      storage: process.guard('storage', hubStorage),
      alarm: process.guard('alarm', alarm),
    });
    this.#process = process;
    this.#publisher = publisher;
    this.#hubStorage = hubStorage;
    // As the constructor of the hub does.
    await process.call(() => publisher.poke({ soon: false }));
    return { process, publisher };
  }

  #hasEnded(): void {
    if (this.#process === undefined) return;
    this.#process = undefined;
    this.#publisher = undefined;
    this.storage.loseUnsynced();
  }

  #setAlarm(at: number | null): void {
    this.#callOffAlarm();
    this.#isAlarmWaiting = false;
    this.#alarmAt = at;
    if (at === null) return;
    const { world, fail } = this.#parts;
    this.#callOffAlarm = world.after(at - world.now, () => void this.#ring().catch(fail));
  }

  /** The runtime runs one alarm at a time: the next one waits for the end of the one before. */
  async #ring(): Promise<void> {
    if (this.#isInAlarm) {
      this.#isAlarmWaiting = true;
      return;
    }
    if (!this.isUp) {
      this.#setAlarm(this.#parts.world.now + RETRY_MILLISECONDS);
      return;
    }
    this.#isInAlarm = true;
    await this.#runAlarm();
    this.#isInAlarm = false;
    if (!this.#isAlarmWaiting) return;
    this.#isAlarmWaiting = false;
    await this.#ring();
  }

  async #runAlarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      const { process, publisher } = await this.#started();
      await process.call(() => publisher.runAlarm());
    } catch {
      // Whatever it was: the runtime runs an alarm again until it comes to its end.
      if (this.#alarmAt === null) this.#setAlarm(this.#parts.world.now + RETRY_MILLISECONDS);
    }
  }
}
