/**
 * Publishers for tests: the real parts on a Durable Object's real storage, the real D1 and KV, with a
 * clock that the test moves and a place for faults in front of every call that leaves the process.
 */

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { mergeEntries } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { parseSegment } from '@cardea/shared/feed/segment';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { readConfig } from '../src/config.workers.ts';
import { createRevocationStore } from '../src/database/revocation-store.d1.ts';
import { createHubParts } from '../src/publication/hub/hub.ts';
import { createHubAnnouncer } from '../src/publication/hub/hub-announcer.ts';
import { HubStorage } from '../src/publication/hub/hub-storage.ts';
import { Publisher } from '../src/publication/publisher.ts';
import { entriesOf } from '../src/publication/segments/segment-content.ts';

const TABLES = [
  ...['revocations', 'signing_keys', 'stored_secrets', 'api_keys', 'idempotent_requests'],
  ...['audit_events', 'publication_marks', 'edges', 'replaced_macaroon_keys'],
];

/** Empties D1 and the feed in KV. The hub that the worker uses keeps what it has. */
export async function emptyWorld(): Promise<void> {
  for (const table of TABLES) await env.DB.exec(`DELETE FROM ${table}`);
  const { keys } = await env.FEED.list();
  for (const { name } of keys) await env.FEED.delete(name);
}

/** Fails one call: `before` it has an effect, or `after` it (the answer is lost). */
export class Faults {
  calls = 0;
  readonly names: string[] = [];
  failAt = Number.POSITIVE_INFINITY;
  mode: 'before' | 'after' = 'before';

  #isDue(name: string): boolean {
    this.calls++;
    this.names.push(name);
    return this.calls === this.failAt;
  }

  around(name: string, call: () => unknown): unknown {
    const isDue = this.#isDue(name);
    if (isDue && this.mode === 'before') throw new InjectedFault();
    const answer = call();
    if (!isDue) return answer;
    if (!(answer instanceof Promise)) throw new InjectedFault();
    return answer.then(() => {
      throw new InjectedFault();
    });
  }

  /** `target` with a fault point in front of each method. */
  wrap<T extends object>(label: string, target: T): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value = Reflect.get(object, property);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]) =>
          this.around(`${label}.${String(property)}`, () => value.apply(object, parameters));
      },
    });
  }

  /** Storage whose writes and syncs may fail. Reads have no effect that could be lost or doubled. */
  wrapStorage(storage: DurableObjectStorage): DurableObjectStorage {
    const sql = {
      exec: (statement: string, ...parameters: unknown[]) =>
        statement.startsWith('SELECT')
          ? storage.sql.exec(statement, ...parameters)
          : this.around(`sql ${statement.split('\n')[0]}`, () =>
              storage.sql.exec(statement, ...parameters),
            ),
    };
    return new Proxy(storage, {
      get: (object, property) => {
        if (property === 'sql') return sql;
        if (property === 'sync') return () => this.around('sync', () => object.sync());
        const value = Reflect.get(object, property);
        return typeof value === 'function' ? value.bind(object) : value;
      },
    });
  }
}

export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

export interface TestPublisher {
  publisher: Publisher;
  readonly storage: HubStorage;
  readonly clock: { now(): number; at: number; tick: number };
  readonly alarm: { at: number | null };
  readonly faults: Faults;
  readonly logged: string[];
  /** What was written to KV, in order: object names. */
  readonly writes: string[];
  /** A crash and a new process: memory is gone, the storage stays. */
  restart(): void;
  announcer: ReturnType<typeof createHubAnnouncer>;
  readonly parts: Awaited<ReturnType<typeof createHubParts>>;
}

/** Changes to single parts, for what cannot be caused otherwise. */
type Changes = (parts: Awaited<ReturnType<typeof createHubParts>>) => object;

/** Runs `use` with a publisher on the storage of the Durable Object called `name`. */
export async function withPublisher(
  name: string,
  use: (test: TestPublisher) => Promise<void>,
  changes: Changes = () => ({}),
): Promise<void> {
  // The limiter's class lends its storage: it does nothing by itself.
  const stub = env.ATTEMPTS.get(env.ATTEMPTS.idFromName(name));
  await runInDurableObject(stub, async (_instance: unknown, state: DurableObjectState) => {
    await use(await createTestPublisher(state.storage, changes));
  });
}

async function createTestPublisher(
  durable: DurableObjectStorage,
  changes: Changes,
): Promise<TestPublisher> {
  const faults = new Faults();
  const real = await createHubParts(durable, readConfig(env));
  const clock = { at: Date.now(), tick: 1, now: () => (clock.at += clock.tick) };
  const alarm = { at: null as number | null };
  const logged: string[] = [];
  const writes: string[] = [];
  const feed = {
    arrivalMilliseconds: real.feed.arrivalMilliseconds,
    readHead: () => real.feed.readHead(),
    readSegment: (hash: string) => real.feed.readSegment(hash),
    writeKeyset: async (hash: string, text: string) => {
      await real.feed.writeKeyset(hash, text);
      writes.push(keysetObject(hash));
    },
    writeSegment: async (hash: string, content: never, life: never) => {
      await real.feed.writeSegment(hash, content, life);
      writes.push(segmentObject(hash));
    },
    writeHead: async (head: string) => {
      await real.feed.writeHead(head);
      writes.push(HEAD_OBJECT);
    },
  };
  const alarmClock = {
    get: async () => alarm.at,
    set: async (at: number) => {
      alarm.at = at;
    },
  };
  const parts = {
    ...real,
    storage: new HubStorage(faults.wrapStorage(durable)),
    alarm: faults.wrap('alarm', alarmClock),
    feed: faults.wrap('feed', feed),
    truth: {
      ...real.truth,
      revocations: faults.wrap('revocations', real.truth.revocations),
      signingKeys: faults.wrap('signingKeys', real.truth.signingKeys),
      restoration: {
        ...real.truth.restoration,
        store: faults.wrap('restorations', real.truth.restoration.store),
      },
    },
    clock,
    random: () => 0.5,
    log: (_level: string, event: string) => {
      logged.push(event);
    },
  };
  Object.assign(parts, changes({ ...parts } as never));
  const test = {
    publisher: new Publisher(parts as never),
    ...{ storage: parts.storage, clock, alarm, faults, logged, writes, parts },
    restart: () => {
      test.publisher = new Publisher(parts as never);
    },
    announcer: createHubAnnouncer({
      hub: { acknowledge: (entries): Promise<void> => test.publisher.acknowledge(entries) },
      revocations: parts.truth.revocations,
      log: parts.log,
    }),
  };
  faults.calls = 0;
  return test as never;
}

/** What an edge would read: the verified head in KV with all its entries. */
export async function publishedHead(world: Pick<TestPublisher, 'parts'>) {
  const head = await findPublishedHead(world);
  if (head === undefined) throw new Error('There is no head in KV.');
  return head;
}

/** The same, or `undefined` where there may be none. */
export async function findPublishedHead(world: Pick<TestPublisher, 'parts'>) {
  const text = await env.FEED.get(HEAD_OBJECT, 'text');
  return text === null ? undefined : headOf(text, world);
}

/** The head that whoever asks the publisher is served. */
export async function servedHead({ publisher }: Pick<TestPublisher, 'publisher'>) {
  const head = await publisher.head();
  if (head === undefined) throw new Error('The publisher serves no head.');
  return head;
}

export async function headOf(text: string, { parts }: Pick<TestPublisher, 'parts'>) {
  const head = await verifyHead(text, parts.feedKeys);
  if (!head.ok) throw new Error(`The head is refused: ${JSON.stringify(head.refusal)}`);
  const entries = [...head.value.tail];
  for (const reference of head.value.segments) {
    const content = await env.FEED.get(segmentObject(reference.hash), 'arrayBuffer');
    if (content === null) throw new Error('The head names a segment that is not in KV.');
    const parsed = await parseSegment(new Uint8Array(content), reference);
    if (!parsed.ok) throw new Error(`A segment is refused: ${JSON.stringify(parsed.refusal)}`);
    entries.push(...entriesOf(new Uint8Array(content)));
  }
  const scopeIds = new Set(entries.map(({ scopeId }) => formatScopeId(scopeId)));
  return { ...head.value, entries: mergeEntries(entries), scopeIds };
}

let rows = 0;

/** Commits a revocation row, as its cause would, and reads it back. */
export async function commitRevocation({ livesSeconds = 3600, boundSeconds = 0xffffffff } = {}) {
  const revocationId = crypto.randomUUID();
  const scopeId = (++rows).toString(16).padStart(16, '0');
  await env.DB.prepare(
    `INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
       expires_at_s, acknowledged) VALUES (?, ?, 'key', ?, ?, 'test', unixepoch(), unixepoch() + ?, 0)`,
  )
    .bind(revocationId, DEFAULT_TENANT_ID, scopeId, boundSeconds, livesSeconds)
    .run();
  const all = await createRevocationStore(env.DB).unacknowledged(1000);
  const row = all.find((one) => one.revocationId === revocationId);
  if (row === undefined) throw new Error('The row was not committed.');
  return { row, scopeId };
}
