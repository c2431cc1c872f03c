/**
 * One bucket on Workers: a Durable Object with its own storage, emptied by its alarm once the bucket
 * is full again. Its memory answers; each allowed request is one write, which nobody waits for.
 */

import { DurableObject } from 'cloudflare:workers';
import { type GcraPolicy, gcra } from './gcra.ts';
import type { RateLimitDecision } from './rate-limiter.ts';

const FULL_AGAIN_AT = 'full_again_at_us';

export class RateLimitCounter extends DurableObject {
  readonly #storage: DurableObjectStorage;
  #fullAgainAt: number | undefined;
  #hasAlarm = false;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    this.#storage = state.storage;
    void state.blockConcurrencyWhile(async () => {
      this.#fullAgainAt = await this.#storage.get<number>(FULL_AGAIN_AT);
      this.#hasAlarm = (await this.#storage.getAlarm()) !== null;
    });
  }

  async take(policy: GcraPolicy): Promise<RateLimitDecision> {
    const { decision, fullAgainAt } = gcra(this.#fullAgainAt, policy, Date.now() * 1000);
    if (!decision.isAllowed) return decision;
    this.#fullAgainAt = fullAgainAt;
    // Unconfirmed: losing the last moments of a count in a crash is better than waiting each time.
    const unconfirmed = { allowUnconfirmed: true };
    void this.#storage.put(FULL_AGAIN_AT, fullAgainAt, unconfirmed);
    if (!this.#hasAlarm) {
      this.#hasAlarm = true;
      void this.#storage.setAlarm(fullAgainAt / 1000, unconfirmed);
    }
    return decision;
  }

  /** A bucket that is full again needs no memory of having been used. */
  override async alarm(): Promise<void> {
    const fullAgainAt = (this.#fullAgainAt ?? 0) / 1000;
    if (fullAgainAt > Date.now()) {
      await this.#storage.setAlarm(fullAgainAt);
      return;
    }
    this.#hasAlarm = false;
    this.#fullAgainAt = undefined;
    await this.#storage.deleteAll();
  }
}
