/**
 * What a publisher on Node remembers, in the database of the run. A STAND-IN for
 * `database/publisher-storage.pg`, whose SQL needs PostgreSQL: its rules (the live set is the
 * revocation rows, a term has to confirm the state, numbers never fall behind what was seen) around
 * the tables of the shipped hub storage. The real one has test/stores and test/faults.
 */

import { HubStorage } from '@cardea/control-plane/publication/hub/hub-storage';
import type { PublisherStorage } from '@cardea/control-plane/publication/publisher-storage';
import { StoreUnavailable } from '@cardea/control-plane/store-unavailable';
import type { AdvisoryLock } from './advisory-lock.ts';
import type { Database } from './database.ts';
import type { Parameter } from './sqlite-database.ts';

/** No term lasts, or not this one: whoever holds the lock has to confirm the state first. */
class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed';
}

export interface NodeStorageParts {
  readonly database: Database;
  readonly lock: AdvisoryLock;
  /** Milliseconds by the database's clock. */
  readonly databaseNow: () => number;
  /** Of the process; absent for one that only answers whoever asks. */
  readonly term: bigint | undefined;
  /** At the moment of the effect: nobody need have heard of it. */
  readonly onRecovered: () => void;
}

/** These are refused unless the term has confirmed the state, and still lasts. */
const GUARDED = new Set([
  ...['takeKeyset', 'takeMoment', 'headWritten'],
  ...['segments.flush', 'segments.merge', 'segments.written', 'segments.drop'],
]);

export function createNodeStorage(parts: NodeStorageParts): PublisherStorage {
  const { database, lock, onRecovered, term } = parts;
  const tables = new HubStorage(sqlOf(database) as never);
  const seen = { seq: 0 };
  const present = () => {
    const [row] = database.sqlite.execute('SELECT term FROM term WHERE id = 1', []).rows;
    return row === undefined ? undefined : BigInt(String(row.term));
  };
  const isConfirmed = () => (term === undefined ? lock.isTermHeld(present()) : present() === term);

  const call = async (name: string, parameters: readonly unknown[]): Promise<unknown> => {
    await absorb(tables, parts);
    if (GUARDED.has(name) && !isConfirmed()) throw new NotConfirmed();
    const memory = await tables.memory();
    if (name === 'takeMoment' && memory.seq < seen.seq) throw new NotConfirmed();
    const written = name === 'headWritten' ? (parameters[0] as { seq: number }).seq : 0;
    if (memory.seq < written) throw new NotConfirmed();
    if (name === 'memory') {
      return {
        ...memory,
        isRecovered: (term === undefined || isConfirmed()) && memory.seq >= seen.seq,
      };
    }
    const [object, property] = name.startsWith('segments.')
      ? [tables.segments, name.slice('segments.'.length)]
      : [tables, name];
    const method: unknown = Reflect.get(object, property);
    if (typeof method !== 'function') throw new TypeError(name);
    const answer: unknown = await method.apply(object, parameters);
    if (name === 'recovered') {
      seen.seq = Number(parameters[0]);
      database.sqlite.execute('INSERT OR REPLACE INTO term VALUES (1, ?)', [String(term)]);
      onRecovered();
    }
    if (name === 'takeMoment') seen.seq = Math.max(seen.seq, (await tables.memory()).seq);
    return answer;
  };

  const sent = async (name: string, parameters: readonly unknown[]) => {
    try {
      return await database.send(() => call(name, parameters));
    } catch (cause) {
      throw cause instanceof NotConfirmed ? cause : new StoreUnavailable({ cause });
    }
  };
  const port = <T extends object>(target: T, prefix: string, others: object): T =>
    new Proxy(target, {
      get: (_, name) => {
        if (typeof name !== 'string' || Object.hasOwn(others, name))
          return Reflect.get(others, name);
        return (...parameters: readonly unknown[]) => sent(prefix + name, parameters);
      },
    });
  const segments = port(tables.segments, 'segments.', {});
  return port<PublisherStorage>(tables, '', { segments, apart: undefined });
}

/**
 * The live set is the revocation rows that are in effect. Which of them are over is decided by the
 * publisher's stamp, when a moment is taken.
 */
async function absorb(tables: HubStorage, { database, databaseNow }: NodeStorageParts) {
  const now = Math.floor(databaseNow() / 1000);
  const live = database.unabsorbed(({ effectiveAtSeconds }) => effectiveAtSeconds <= now);
  if (live.length === 0) return;
  await tables.apart.takeEntries(
    live.map(({ entry, expiresAtSeconds }) => ({ ...entry, expiresAtSeconds })),
  );
  // Only now: a database that was restored to a state without these tables has taken nothing.
  database.absorbed(live);
}

/** The database as `HubStorage` wants it. Whoever calls is inside of one transaction already. */
function sqlOf({ sqlite }: Database) {
  const exec = (statement: string, ...parameters: readonly Parameter[]) => {
    const { rows } = sqlite.execute(statement, parameters);
    const one = () => rows[0];
    return { toArray: () => rows, one, [Symbol.iterator]: () => rows[Symbol.iterator]() };
  };
  return { sql: { exec }, transactionSync: <T>(work: () => T) => work(), sync: async () => {} };
}
