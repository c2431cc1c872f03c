/** The publisher on Workers: a Durable Object with its own SQLite and an alarm. A thin shell. */

import { DurableObject } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { auditKeyReader, createEventRecorder } from '../../audit/event-recorder.ts';
import { systemClock } from '../../clock.ts';
import { readConfig, type WorkersConfig } from '../../config.workers.ts';
import { createWorkersStores } from '../../database/stores.workers.ts';
import { consoleLog } from '../../log.ts';
import { deriveMasterKeys } from '../../master-keys.ts';
import { createTenantResolver } from '../../tenants/tenant-resolver.ts';
import { createUpkeep, type Upkeep } from '../../upkeep/upkeep.ts';
import { createTruth, tokenLivesSeconds } from '../create-truth.ts';
import type { EdgeSighting } from '../edge-sightings.ts';
import { createKvFeedStore } from '../feed-store/feed-store.kv.ts';
import { Publisher, type PublisherParts } from '../publisher.ts';
import type { LiveEntry } from '../publisher-storage.ts';
import { createHeadSigner } from '../sign-head.ts';
import type { Truth } from '../truth.ts';
import { type HubApi, type HubStatus, type ServedHead, servedHeadOf } from './hub-api.ts';
import { HubSightings } from './hub-sightings.ts';
import { HubStorage } from './hub-storage.ts';

export class Hub extends DurableObject implements HubApi {
  readonly #parts: Promise<HubParts>;
  readonly #publisher: Promise<Publisher>;
  readonly #upkeep: Promise<Upkeep>;
  readonly #sightings: HubSightings;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    this.#parts = createHubParts(state.storage, readConfig(env));
    this.#publisher = this.#parts.then((parts) => new Publisher(parts));
    this.#upkeep = createHubUpkeep(state.storage, readConfig(env));
    this.#sightings = new HubSightings(state.storage);
    // Whoever reaches the hub for the first time starts it.
    void state.blockConcurrencyWhile(async () => (await this.#publisher).poke({ soon: false }));
  }

  async acknowledge(entries: readonly LiveEntry[]): Promise<void> {
    await (await this.#publisher).acknowledge(entries);
  }

  async poke(wish: { readonly soon: boolean }): Promise<void> {
    await (await this.#publisher).poke(wish);
  }

  async head(): Promise<ServedHead | null> {
    const head = await (await this.#publisher).head();
    return head === undefined ? null : servedHeadOf(head);
  }

  async keyset(hash: string): Promise<string | null> {
    const { storage } = await this.#parts;
    return (await storage.keyset(hash))?.text ?? null;
  }

  async segment(hash: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const { storage } = await this.#parts;
    return (await storage.segments.content(hash)) ?? null;
  }

  async status(): Promise<HubStatus> {
    const { storage, alarm } = await this.#parts;
    const memory = await storage.memory();
    return {
      publishedSeq: memory.publishedSeq ?? null,
      publishedAt: memory.publishedAt ?? null,
      entryCount: storage.entryCount(),
      keysetHash: memory.keysetHash ?? null,
      failures: memory.failures,
      lastError: memory.lastError ?? null,
      nextAlarmAt: await alarm.get(),
    };
  }

  async noteSightings(sightings: readonly EdgeSighting[]): Promise<void> {
    await this.#sightings.note(sightings);
  }

  async sightings(): Promise<readonly EdgeSighting[]> {
    return this.#sightings.list();
  }

  override async alarm(): Promise<void> {
    await (await this.#publisher).runAlarm();
    // Beside the next heartbeat: the feed never waits for it.
    this.ctx.waitUntil((await this.#upkeep).runIfDue());
  }
}

export interface HubParts extends PublisherParts {
  readonly storage: HubStorage;
}

/** The real parts of a publisher. Tests replace single ones. */
export async function createHubParts(
  storage: DurableObjectStorage,
  config: WorkersConfig,
): Promise<HubParts> {
  const feedKeys = await importFeedKeys([config.feedSigningKey.reveal().x]);
  if (!feedKeys.ok) throw new TypeError('The public half of FEED_SIGNING_KEY is not usable.');
  const { clockSkewSeconds, environmentId } = config;
  return {
    storage: new HubStorage(storage),
    alarm: { get: () => storage.getAlarm(), set: (at) => storage.setAlarm(at) },
    feed: createKvFeedStore(config.bindings.feed, config.feedObjectArrivalSeconds * 1000),
    truth: await createHubTruth(config),
    feedKeys: feedKeys.value,
    signHead: await createHeadSigner(config.feedSigningKey),
    environmentId,
    entryLivesSeconds: tokenLivesSeconds(config),
    clockSkewSeconds,
    heartbeatMilliseconds: config.feedHeartbeatSeconds * 1000,
    clock: systemClock,
    random: () => (randomBytes(1)[0] ?? 0) / 255,
    log: consoleLog,
  };
}

async function createHubTruth(config: WorkersConfig): Promise<Truth> {
  const stores = createWorkersStores(config.bindings);
  const { restorations, revocations, secrets, signingKeys } = stores;
  return createTruth({
    ...{ config, restorations, revocations, secrets, signingKeys },
    ...{ edges: stores.edges, replacedKeys: stores.replacedKeys, clock: systemClock },
    tenants: createTenantResolver({ store: stores.tenants, config, clock: systemClock }).all,
    auditEvents: stores.audit,
    keyEncryption: (await deriveMasterKeys(config)).keyEncryption,
    randomBytes,
    log: consoleLog,
  });
}

async function createHubUpkeep(
  storage: DurableObjectStorage,
  config: WorkersConfig,
): Promise<Upkeep> {
  const stores = createWorkersStores(config.bindings);
  const { secrets, signingKeys } = stores;
  const { keyEncryption } = await deriveMasterKeys(config);
  const auditKey = auditKeyReader({ store: secrets, keyEncryption, randomBytes });
  return createUpkeep({
    store: stores.upkeep,
    auditEvents: stores.audit,
    auditEvent: createEventRecorder({ auditKey, randomBytes }),
    ...{ config, keyEncryption, randomBytes, secrets, signingKeys },
    schedule: {
      lastBegan: () => storage.get<number>(UPKEEP_BEGAN),
      began: (at) => storage.put(UPKEEP_BEGAN, at),
    },
    clock: systemClock,
    log: consoleLog,
  });
}

/** In the hub's own storage: it is gone from memory between two alarms. */
const UPKEEP_BEGAN = 'upkeep-began';
