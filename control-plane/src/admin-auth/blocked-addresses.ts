/**
 * The addresses that this process knows to have failed too often. Failures are counted elsewhere, for
 * all processes (`tokens/attempts`); what that answered is remembered here as plain data, so that a
 * good request waits for no counter.
 */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { bucketOf } from '../tokens/attempts.ts';

/** Addresses remembered at a time, each for at most a minute. The oldest gives way. */
const ADDRESSES_MAX = 10_000;

export class BlockedAddresses {
  readonly #clock: Clock;
  readonly #until = new Map<string, UnixMilliseconds>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until the address may try again; 0 if it may now, as far as this process knows. */
  blockedForSeconds(clientAddress: string | undefined): number {
    const bucket = bucketOf(clientAddress);
    const until = this.#until.get(bucket);
    if (until === undefined) return 0;
    const remaining = until - this.#clock.now();
    if (remaining > 0) return Math.ceil(remaining / 1000);
    this.#until.delete(bucket);
    return 0;
  }

  block(clientAddress: string | undefined, seconds: number): void {
    const bucket = bucketOf(clientAddress);
    this.#until.delete(bucket);
    this.#until.set(bucket, unixMilliseconds(this.#clock.now() + seconds * 1000));
    const [oldest] = this.#until.keys();
    if (this.#until.size > ADDRESSES_MAX && oldest !== undefined) this.#until.delete(oldest);
  }
}
