/**
 * The control plane as the feed sees it: a database with revocation rows and signing keys, and the
 * publisher, which has durable storage of its own, may crash at every wait, and plans its heads with
 * the shipped `planPublication`. Flaws can be planted, to show that the simulation would find them.
 */

import {
  completeHead,
  nextSeq,
  OBJECT_ARRIVAL_MILLISECONDS,
  type PublicationPlan,
  planPublication,
  type StoredKeyset,
} from '@cardea/control-plane/publication/plan-publication';
import { SEGMENT_LIMITS } from '@cardea/control-plane/publication/plan-segments';
import { mergeEntries, type RevocationEntry } from '@cardea/shared/feed/entry';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { encodeKeyset, type KeysetKey } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { type FixedKey, signHead } from '@cardea/shared/feed/testing/feed-fixture';
import { unixMilliseconds } from '@cardea/shared/time';
import { KvOutage, type KvStandIn } from './kv-stand-in.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export type PublisherFlaw =
  | 'none'
  | 'stamps_after_reading'
  | 'publishes_only_news'
  | 'prunes_early'
  | 'forgets_what_it_lost';

export interface LiveEntry extends RevocationEntry {
  readonly expiresAtSeconds: number;
}

export interface PublisherParts {
  readonly world: World;
  readonly random: Random;
  readonly kv: KvStandIn;
  readonly ledger: Ledger;
  readonly feedKey: FixedKey;
  readonly feedKeys: FeedKeys;
  /** How long an entry of KV's head is kept. */
  readonly entryLivesSeconds: number;
  readonly environmentId: string;
  readonly offsetMilliseconds: number;
  readonly heartbeatMilliseconds: number;
  readonly clockSkewSeconds: number;
  readonly crashChance: number;
  readonly flaw: PublisherFlaw;
  /** Told of what is no outage of the model: a broken invariant, or a bug. */
  readonly fail: (error: unknown) => void;
}

/** The process is gone. Its durable storage and its alarm are not. */
class Crash extends Error {
  override name = 'Crash';
}

interface ModelKeyset extends StoredKeyset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly kids: ReadonlySet<string>;
}

export class PublisherModel {
  /** The database: rows, whether or not the publisher has them, and the keys to be published. */
  readonly rows: LiveEntry[] = [];
  keys: readonly KeysetKey[] = [];
  isDatabaseUp = true;
  isFrozen = false;
  /** Told when a head that names these keys has been written. */
  onKeysPublished: (kids: ReadonlySet<string>) => void = () => undefined;

  // Durable storage of the publisher.
  #isRecovered = true;
  #isMarkThere = true;
  #taken = 0;
  #entries: LiveEntry[] = [];
  #isChangeWaiting = true;
  #lastSeq = 0;
  #keysets: ModelKeyset[] = [];
  #reliedKeysetHash: string | undefined;

  readonly #parts: PublisherParts;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.world.after(0, () => void this.#alarm());
  }

  /** The publisher is told right after the commit; if it cannot be reached it finds the row itself. */
  announce(): void {
    if (this.isFrozen) return;
    this.#take();
  }

  /** What the publisher knew is left in the database and in KV's head. */
  loseStorage(): void {
    this.#isRecovered = false;
    this.#taken = this.#parts.flaw === 'forgets_what_it_lost' ? this.rows.length : 0;
    this.#entries = [];
    this.#keysets = [];
    this.#reliedKeysetHash = undefined;
    this.#lastSeq = 0;
  }

  /** The database forgets its newest rows, and the publisher's mark with them. */
  restoreDatabase(): void {
    this.rows.length = Math.floor(this.rows.length / 2);
    this.#taken = Math.min(this.#taken, this.rows.length);
    this.#isMarkThere = false;
  }

  async #recover(): Promise<void> {
    const { kv, feedKeys } = this.#parts;
    const text = await kv.get(0, HEAD_OBJECT);
    const head = await verifyHead(String(text), feedKeys);
    if (head.ok && this.#parts.flaw !== 'forgets_what_it_lost') {
      const expiresAtSeconds = Math.floor(this.#now() / 1000) + this.#parts.entryLivesSeconds;
      this.#entries.push(...head.value.tail.map((entry) => ({ ...entry, expiresAtSeconds })));
      this.#lastSeq = head.value.seq;
    }
    this.#isRecovered = true;
  }

  #writeBack(): void {
    if (this.#isMarkThere) return;
    this.rows.push(...this.#entries.filter((entry) => !this.rows.includes(entry)));
    this.#taken = this.rows.length;
    this.#isMarkThere = true;
  }

  #now(): number {
    return this.#parts.world.now + this.#parts.offsetMilliseconds;
  }

  #take(): void {
    for (const row of this.rows.slice(this.#taken)) {
      this.#entries.push(row);
      this.#parts.ledger.acknowledge(row, row.expiresAtSeconds);
      this.#isChangeWaiting = true;
    }
    this.#taken = this.rows.length;
  }

  async #alarm(): Promise<void> {
    const { world, heartbeatMilliseconds, random } = this.#parts;
    let nextMilliseconds = heartbeatMilliseconds;
    try {
      if (!this.isFrozen) await this.#publish();
      if (this.#isChangeWaiting) nextMilliseconds = 1_000;
    } catch (error) {
      if (error instanceof KvOutage) nextMilliseconds = random.integer(1_000, 3_000);
      else if (!(error instanceof Crash)) this.#parts.fail(error);
    }
    world.after(Math.min(nextMilliseconds, heartbeatMilliseconds), () => void this.#alarm());
  }

  async #publish(): Promise<void> {
    const { kv, ledger, feedKey } = this.#parts;
    if (!this.#isRecovered) {
      if (!this.isDatabaseUp) throw new KvOutage();
      await this.#recover();
    }
    if (this.isDatabaseUp) {
      this.#take();
      this.#writeBack();
      await this.#takeKeyset();
    }
    await this.#mayCrash();
    const plan = await this.#plan();
    if (plan === undefined) return;
    for (const hash of plan.keysetsToWrite) {
      const keyset = this.#keysets.find((known) => known.hash === hash);
      await kv.put(keysetObject(hash), keyset?.bytes ?? '');
      this.#keysetWritten(hash);
      await this.#mayCrash();
    }
    const head = completeHead(plan, new Map());
    const kids = this.#keysets.find(({ hash }) => hash === head.keysetHash)?.kids ?? new Set();
    ledger.headSigned(head, kids);
    const compactJws = await signHead(feedKey, head);
    await this.#mayCrash();
    await kv.put(HEAD_OBJECT, compactJws);
    await this.#mayCrash();
    this.#reliedKeysetHash = head.keysetHash;
    this.onKeysPublished(kids);
  }

  async #plan(): Promise<PublicationPlan | undefined> {
    const { world, environmentId, flaw, clockSkewSeconds } = this.#parts;
    const graceSeconds = flaw === 'prunes_early' ? -300 : clockSkewSeconds;
    const stamp = this.#now();
    this.#entries = this.#entries.filter(
      ({ expiresAtSeconds }) => expiresAtSeconds + graceSeconds >= Math.floor(stamp / 1000),
    );
    const tail = mergeEntries(this.#entries);
    this.#isChangeWaiting = false;
    if (flaw === 'publishes_only_news') this.#entries = [];
    const relied = this.#reliedKeysetHash;
    // The flaw: what is acknowledged during the read is claimed by the stamp and not in the read.
    if (flaw === 'stamps_after_reading') await world.sleep(1_500);
    const stamped = unixMilliseconds(Math.max(stamp, this.#now()));
    const state = {
      ...{ environmentId, seq: nextSeq(this.#lastSeq, stamped), keysets: this.#keysets },
      ...{ tail, segments: [] },
      ...(relied === undefined ? {} : { reliedKeysetHash: relied }),
    };
    const arrivalMilliseconds = OBJECT_ARRIVAL_MILLISECONDS;
    const plan = planPublication(state, {
      ...{ stamp: stamped, arrivalMilliseconds, clockSkewSeconds, limits: SEGMENT_LIMITS },
    });
    if (plan !== undefined) this.#lastSeq = state.seq;
    return plan;
  }

  async #takeKeyset(): Promise<void> {
    const bytes = encodeKeyset(this.keys);
    const kids = new Set(this.keys.map(({ kid }) => kid));
    const hash = await objectHash(bytes);
    if (this.#keysets.at(-1)?.hash === hash) return;
    this.#keysets.push({ hash, bytes, kids });
  }

  #keysetWritten(hash: string): void {
    const at = unixMilliseconds(this.#now());
    this.#keysets = this.#keysets.map((keyset) =>
      keyset.hash === hash ? { firstWrittenAt: at, ...keyset, lastWrittenAt: at } : keyset,
    );
  }

  async #mayCrash(): Promise<void> {
    const { world, random, crashChance } = this.#parts;
    if (!random.chance(crashChance)) return;
    await world.sleep(random.integer(100, 5_000));
    throw new Crash();
  }
}
