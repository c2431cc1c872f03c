/** Notes uses of keys in a process that lives on (Node): gathered, and written every few seconds. */

import type { Log } from '../log.ts';
import type { KeyUse, LastUsedRecorder } from './last-used.ts';
import { isNoted, useKeyOf } from './last-used-writes.ts';
import type { ApiKeyStore } from './store.ts';

/** How long a use may wait. `last_used_time` is exact to the minute, so seconds do not show. */
const WAIT_MILLISECONDS = 3000;
/** Uses that wait at most, and that one statement writes at most. */
const WAITING_MAX = 10_000;
const WRITTEN_AT_ONCE_MAX = 100;

export interface LastUsedBuffer extends LastUsedRecorder {
  /** Writes what waits, and takes nothing more. Graceful stops call it before the pool is closed. */
  stop(): Promise<void>;
}

export function createLastUsedBuffer(parts: {
  readonly apiKeys: Pick<ApiKeyStore, 'touch'>;
  readonly log: Log;
}): LastUsedBuffer {
  const waiting = new Map<string, KeyUse>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing: Promise<void> = Promise.resolve();
  let isStopped = false;

  const writeSome = async (): Promise<void> => {
    const uses = [...waiting.values()].slice(0, WRITTEN_AT_ONCE_MAX);
    for (const use of uses) waiting.delete(useKeyOf(use));
    try {
      await parts.apiKeys.touch(uses);
    } catch (error) {
      // What is lost is noted again at the next use: nothing else depends on it.
      const name = error instanceof Error ? error.name : 'unknown';
      parts.log('warn', 'last_used_not_written', { error: name, count: uses.length });
    }
  };
  const writeAll = async (): Promise<void> => {
    timer = null;
    while (waiting.size > 0) await writeSome();
  };
  const schedule = () => {
    timer ??= setTimeout(() => {
      writing = writing.then(writeAll);
    }, WAIT_MILLISECONDS);
  };

  return {
    used({ tenantId, keyId, lastUsedTime }, usedAt) {
      if (isStopped || isNoted(lastUsedTime, usedAt)) return;
      const use = { tenantId, keyId, usedAt };
      const name = useKeyOf(use);
      if (waiting.size >= WAITING_MAX && !waiting.has(name)) return;
      waiting.set(name, use);
      schedule();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await writing;
      await writeAll();
    },
  };
}
