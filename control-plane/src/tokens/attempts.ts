/** Failed exchanges by client address, as the exchange sees them. */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { parseAddress } from '@cardea/shared/ip/address';
import type { Log } from '../log.ts';
import { within } from '../within.ts';

export interface Attempts {
  /** Seconds until the address may try again; 0 if it may now, or if nobody can tell. */
  blockedForSeconds(clientAddress: string | undefined): Promise<number>;
  /** Counts a failure. Seconds until the next attempt; 0 if this one was still allowed. */
  failed(clientAddress: string | undefined): Promise<number>;
}

/** One address's counter; milliseconds. See `attempt-limiter`. */
export interface AttemptCounter {
  blockedFor(failuresMax: number): Promise<number>;
  fail(failuresMax: number): Promise<number>;
}

export interface AttemptParts {
  readonly counterOf: (bucket: string) => AttemptCounter;
  readonly failuresMax: number;
  readonly log: Log;
}

/** Every exchange waits for this answer, beside the database's: no longer than that takes. */
const LOOK_MILLISECONDS_MAX = 100;
/** Only failures wait for this one. */
const COUNT_MILLISECONDS_MAX = 1000;

/** A counter that cannot be reached lets pass: keys are too random to be guessed without it. */
export function createAttempts({ counterOf, failuresMax, log }: AttemptParts): Attempts {
  const ask = async (milliseconds: number, question: () => Promise<number>): Promise<number> => {
    try {
      return Math.ceil((await within(milliseconds, question())) / 1000);
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown';
      log('error', 'attempt_limiter_unreachable', { error: name });
      return 0;
    }
  };
  return {
    blockedForSeconds: (address) =>
      ask(LOOK_MILLISECONDS_MAX, () => counterOf(bucketOf(address)).blockedFor(failuresMax)),
    failed: (address) =>
      ask(COUNT_MILLISECONDS_MAX, () => counterOf(bucketOf(address)).fail(failuresMax)),
  };
}

/**
 * What counts as one client: an IPv4 address, or the /64 that an IPv6 host can choose its addresses
 * from (RFC 4291 §2.5.1). Requests without an address share one bucket.
 */
export function bucketOf(clientAddress: string | undefined): string {
  const bytes = clientAddress === undefined ? undefined : parseAddress(clientAddress);
  if (bytes === undefined) return 'unknown';
  return encodeHex(Uint8Array.from(bytes.length === 16 ? bytes.slice(0, 8) : bytes));
}
