/**
 * Guarantee: whatever state D1 is restored to, and however often, the mark is only moved on over a
 * database that has what the publisher remembers.
 */

import { env } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { beforeEach, expect, test } from 'vitest';
import { auditOf } from '../../testing/contracts/fixtures.ts';
import { MemoryPublisherStorage } from '../../testing/memory-publisher-storage.ts';
import { createRestorationStore } from '../database/restoration-store.d1.ts';
import type { LiveEntry } from './publisher-storage.ts';
import { type RestorationStore, synchroniseMark } from './restoration.ts';

const store = createRestorationStore(env.DB);
const never = new AbortController().signal;

let storage: MemoryPublisherStorage;
beforeEach(async () => {
  storage = new MemoryPublisherStorage();
  await storage.recovered(0);
  await restoreTo(0);
});

const entries = (count: number, from = 0): LiveEntry[] =>
  Array.from({ length: count }, (_, place) => ({
    scopeId: { high: 1, low: from + place },
    boundSeconds: FOR_GOOD,
    expiresAtSeconds: 4_000_000_000,
  }));

/** The state of a database without revocations, under this mark; 0 for none. */
async function restoreTo(mark: number): Promise<void> {
  await env.DB.exec('DELETE FROM revocations');
  await env.DB.exec('DELETE FROM publication_marks');
  if (mark > 0) await env.DB.exec(`INSERT INTO publication_marks (id, mark) VALUES (1, ${mark})`);
}

const cycle = (through: RestorationStore = store) => {
  const auditEvent = async () => auditOf(crypto.randomUUID(), '');
  return synchroniseMark(storage, { store: through, auditEvent, randomBytes }, never);
};

async function rowCount(): Promise<unknown> {
  return (await env.DB.prepare('SELECT count(*) AS n FROM revocations').first())?.n;
}

/** `store`, with `event` after the first call of a method. */
function interrupted(event: () => Promise<void>, method: 'restore' | 'moveMark'): RestorationStore {
  let isDue = true;
  return {
    ...store,
    [method]: async (...parameters: [never, never]) => {
      const answer = await store[method](...parameters);
      if (isDue) await event();
      isDue = false;
      return answer;
    },
  };
}

const takenCount = async () => {
  const page = { after: 0, last: await storage.apart.lastTaken(), count: 1000 };
  return (await storage.apart.takenEntries(page)).length;
};

test('a state under the mark that the publisher expects is given what came in since', async () => {
  expect(await cycle()).toBe(0);
  await storage.apart.takeEntries(entries(3));
  await restoreTo(await store.mark());
  expect(await cycle()).toBe(3);
  expect(await rowCount()).toBe(3);
  expect(await storage.apart.mark()).toBe(await store.mark());
});

test('what was lacking is looked for until it has been found, and no longer', async () => {
  await cycle();
  await storage.apart.takeEntries(entries(3));
  const counts = [await takenCount()];
  for (let cycles = 0; cycles < 2; cycles++) {
    await cycle();
    counts.push(await takenCount());
  }
  expect(counts).toEqual([3, 3, 0]);
});

test('a state from between the move of the mark and the writing back is given it, too', async () => {
  await cycle();
  await storage.apart.takeEntries(entries(3));
  await cycle();
  await restoreTo(await store.mark());
  expect(await cycle()).toBe(3);
  expect(await rowCount()).toBe(3);
});

test('what comes in while the mark moves is looked for under the next one', async () => {
  await cycle();
  await cycle(interrupted(() => storage.apart.takeEntries(entries(1)), 'moveMark'));
  await restoreTo(await store.mark());
  expect(await cycle()).toBe(1);
});

test('a database that is restored to the same state while it is compared is compared anew', async () => {
  await storage.apart.takeEntries(entries(1500)); // Two pages.
  await restoreTo(7);
  await cycle(interrupted(() => restoreTo(7), 'restore'));
  expect(await store.mark()).toBe(7);
  expect(await storage.apart.restorationProgress()).toBeDefined();
  await cycle();
  expect(await rowCount()).toBe(1500);
  expect(await storage.apart.mark()).toBe(await store.mark());
  expect(await storage.apart.restorationProgress()).toBeUndefined();
});

test('one that is restored to the state that was expected need not be compared any more', async () => {
  await cycle();
  const expected = await store.mark();
  await storage.apart.takeEntries(entries(1500));
  await restoreTo(7);
  await cycle(interrupted(() => restoreTo(expected), 'restore'));
  expect(await rowCount()).toBe(500); // The second page was written after that.
  await cycle();
  expect(await storage.apart.restorationProgress()).toBeUndefined();
  expect(await rowCount()).toBe(1500);
});
