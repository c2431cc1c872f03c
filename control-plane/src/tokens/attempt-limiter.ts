/**
 * Counts the failed exchanges of one client address: a Durable Object per address, with its own
 * SQLite, emptied by its alarm. Successes are not counted and cost no write.
 */

import { DurableObject } from 'cloudflare:workers';

const WINDOW_MILLISECONDS = 60_000;

type Window = { started_at_ms: number; failures: number };

export class AttemptLimiter extends DurableObject {
  readonly #storage: DurableObjectStorage;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    this.#storage = state.storage;
  }

  /** Milliseconds until this address may try again; 0 if it may now. */
  async blockedFor(failuresMax: number): Promise<number> {
    const window = this.#window(Date.now());
    return window === undefined ? 0 : remaining(window, failuresMax);
  }

  /** Counts one failure. Milliseconds until the next attempt; 0 if this one was still allowed. */
  async fail(failuresMax: number): Promise<number> {
    const now = Date.now();
    const window = this.#window(now);
    const counted = {
      started_at_ms: window?.started_at_ms ?? now,
      failures: (window?.failures ?? 0) + 1,
    };
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO window (id, started_at_ms, failures) VALUES (1, ?, ?)',
      ...[counted.started_at_ms, counted.failures],
    );
    if (window === undefined) await this.#storage.setAlarm(now + WINDOW_MILLISECONDS);
    // The last failure that is allowed is answered as a failure, the one after it as too many.
    return remaining(counted, failuresMax + 1);
  }

  /** The window is over: what is left would only cost storage. */
  override async alarm(): Promise<void> {
    await this.#storage.deleteAll();
  }

  /** The present window, if one has begun. The table may have been deleted with everything else. */
  #window(now: number): Window | undefined {
    this.#storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS window (
         id INTEGER PRIMARY KEY, started_at_ms INTEGER NOT NULL, failures INTEGER NOT NULL)`,
    );
    const [window] = this.#storage.sql.exec<Window>('SELECT * FROM window').toArray();
    const isOver = window === undefined || now - window.started_at_ms >= WINDOW_MILLISECONDS;
    return isOver ? undefined : window;
  }
}

function remaining({ started_at_ms: startedAt, failures }: Window, failuresMax: number): number {
  if (failures < failuresMax) return 0;
  return Math.max(1, startedAt + WINDOW_MILLISECONDS - Date.now());
}
