/**
 * Notes uses of keys on Workers: written after the answer, kept alive by `waitUntil`. What an isolate
 * has written is remembered, so that requests that come before the row is read anew write nothing.
 */

import { waitUntil } from 'cloudflare:workers';
import type { Log } from '../log.ts';
import type { KeyUse, LastUsedRecorder } from './last-used.ts';
import { isNoted, minuteOf, useKeyOf } from './last-used-writes.ts';
import type { ApiKeyStore } from './store.ts';

/** Keys that an isolate remembers; each takes some 150 bytes. */
const REMEMBERED_MAX = 5000;

export function createWorkersLastUsedRecorder(parts: {
  readonly apiKeys: Pick<ApiKeyStore, 'touch'>;
  readonly log: Log;
}): LastUsedRecorder {
  /** Plain data of the isolate: the minute that was last written, oldest entries first. */
  const written = new Map<string, number>();
  let pending: KeyUse[] = [];

  const write = async () => {
    await Promise.resolve(); // Uses of the same turn, those of a batch, go in one statement.
    const uses = pending;
    pending = [];
    try {
      await parts.apiKeys.touch(uses);
    } catch (error) {
      for (const use of uses) written.delete(useKeyOf(use)); // The next use tries again.
      const name = error instanceof Error ? error.name : 'unknown';
      parts.log('warn', 'last_used_not_written', { error: name, count: uses.length });
    }
  };

  return {
    used(key, usedAt) {
      const name = useKeyOf(key);
      const minute = minuteOf(usedAt);
      if (isNoted(key.lastUsedTime, usedAt) || (written.get(name) ?? 0) >= minute) return;
      written.delete(name);
      written.set(name, minute);
      for (const oldest of written.keys()) {
        if (written.size <= REMEMBERED_MAX) break;
        written.delete(oldest);
      }
      pending.push({ tenantId: key.tenantId, keyId: key.keyId, usedAt });
      if (pending.length === 1) waitUntil(write());
    },
  };
}
