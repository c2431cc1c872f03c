import { unixMilliseconds } from '@cardea/shared/time';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../store-unavailable.ts';
import type { ApiKey } from './api-key.ts';
import type { KeyUse } from './last-used.ts';
import { createLastUsedBuffer } from './last-used-buffer.ts';

const MINUTE = 60_000;
const NOON = unixMilliseconds(1_800_000_000_000 - (1_800_000_000_000 % MINUTE));
const at = (milliseconds: number) => unixMilliseconds(NOON + milliseconds);
const key = (keyId: string, lastUsedTime?: number) =>
  ({
    ...{ tenantId: 't', keyId },
    ...(lastUsedTime === undefined ? {} : { lastUsedTime }),
  }) as ApiKey;

function buffer(touch: (uses: readonly KeyUse[]) => Promise<void> = async () => {}) {
  const written: KeyUse[][] = [];
  const logged: string[] = [];
  const recorder = createLastUsedBuffer({
    apiKeys: {
      async touch(uses) {
        written.push([...uses]);
        await touch(uses);
      },
    },
    log: (_level, event) => void logged.push(event),
  });
  return { recorder, written, logged };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('uses', () => {
  test('wait a few seconds, and are written once a key with the last time', async () => {
    const { recorder, written } = buffer();
    recorder.used(key('a'), at(0));
    recorder.used(key('b'), at(10));
    recorder.used(key('a'), at(20));
    await vi.advanceTimersByTimeAsync(2900);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(written).toEqual([
      [
        { tenantId: 't', keyId: 'a', usedAt: at(20) },
        { tenantId: 't', keyId: 'b', usedAt: at(10) },
      ],
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written).toHaveLength(1);
  });

  test.each([
    ['in the same minute are not written', { usedAt: at(59_999), before: at(0) }, false],
    ['in a later minute are', { usedAt: at(MINUTE), before: at(59_999) }, true],
    ['that are the first are', { usedAt: at(0), before: undefined }, true],
    ['by a clock that went back are not', { usedAt: at(-1), before: at(0) }, false],
  ])('%s', async (_, { usedAt, before }, isWritten) => {
    const { recorder, written } = buffer();
    recorder.used(key('a', before), usedAt);
    await vi.advanceTimersByTimeAsync(4000);
    expect(written.length > 0).toBe(isWritten);
  });

  test('are written a hundred in a statement', async () => {
    const { recorder, written } = buffer();
    for (let i = 0; i < 250; i++) recorder.used(key(`k${i}`), at(0));
    await vi.advanceTimersByTimeAsync(4000);
    expect(written.map((uses) => uses.length)).toEqual([100, 100, 50]);
  });

  test('that are too many to wait are dropped', async () => {
    const { recorder, written } = buffer();
    for (let i = 0; i < 10_100; i++) recorder.used(key(`k${i}`), at(0));
    await recorder.stop();
    expect(written.flat()).toHaveLength(10_000);
  });

  test('cannot fail a request, and go on after an outage', async () => {
    let isDown = true;
    const { recorder, written, logged } = buffer(async () => {
      if (isDown) throw new StoreUnavailable();
    });
    recorder.used(key('a'), at(0));
    await vi.advanceTimersByTimeAsync(4000);
    expect(logged).toEqual(['last_used_not_written']);
    isDown = false;
    recorder.used(key('a'), at(5000));
    await vi.advanceTimersByTimeAsync(4000);
    expect(written.at(-1)).toEqual([{ tenantId: 't', keyId: 'a', usedAt: at(5000) }]);
    expect(logged).toHaveLength(1);
  });
});

describe('a stop', () => {
  test('writes what waits, and takes nothing more', async () => {
    const { recorder, written } = buffer();
    recorder.used(key('a'), at(0));
    await recorder.stop();
    expect(written).toHaveLength(1);
    recorder.used(key('b'), at(0));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toHaveLength(1);
  });

  test('waits for what is being written', async () => {
    let finish = () => {};
    const { recorder } = buffer(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    recorder.used(key('a'), at(0));
    await vi.advanceTimersByTimeAsync(4000);
    let isStopped = false;
    const stopping = recorder.stop().then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(isStopped).toBe(false);
    finish();
    await stopping;
  });
});
