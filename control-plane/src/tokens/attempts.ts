/**
 * Failed exchanges by client address, as the exchange sees them. What a counter has said is remembered
 * for a second: failures that were counted here count at once, those of other processes a second later
 * (and the tenth of one that the look may take).
 */

import { encodeHex } from '@cardea/shared/bytes/hex';
import { parseAddress } from '@cardea/shared/ip/address';
import type { Clock } from '../clock.ts';
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
  readonly clock: Clock;
  readonly log: Log;
}

interface Known {
  readonly blockedUntil: number;
  readonly lookedAt: number;
}

const REMEMBERED_MILLISECONDS = 1000;
/** Addresses; about 100 bytes each. */
const KNOWN_MAX = 10_000;

/** Every exchange waits for this answer, beside the database's: no longer than that takes. */
const LOOK_MILLISECONDS_MAX = 100;
/** Only failures wait for this one. */
const COUNT_MILLISECONDS_MAX = 1000;

/** A counter that cannot be reached lets pass: keys are too random to be guessed without it. */
export function createAttempts(parts: AttemptParts): Attempts {
  const { clock, counterOf, failuresMax, log } = parts;
  const known = new Map<string, Known>();
  const remember = (bucket: string, milliseconds: number): number => {
    if (known.size >= KNOWN_MAX) known.clear();
    const now = clock.now();
    known.set(bucket, { blockedUntil: now + milliseconds, lookedAt: now });
    return milliseconds;
  };
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
    async blockedForSeconds(address) {
      const bucket = bucketOf(address);
      const before = known.get(bucket);
      const now = clock.now();
      const age = now - (before?.lookedAt ?? Number.NEGATIVE_INFINITY);
      if (before !== undefined && age >= 0 && age < REMEMBERED_MILLISECONDS) {
        return Math.ceil(Math.max(0, before.blockedUntil - now) / 1000);
      }
      // One looks again: whoever comes meanwhile goes by what was known, or all would ask at once.
      if (before !== undefined) known.set(bucket, { ...before, lookedAt: now });
      return ask(LOOK_MILLISECONDS_MAX, async () =>
        remember(bucket, await counterOf(bucket).blockedFor(failuresMax)),
      );
    },
    async failed(address) {
      const bucket = bucketOf(address);
      return ask(COUNT_MILLISECONDS_MAX, async () =>
        remember(bucket, await counterOf(bucket).fail(failuresMax)),
      );
    },
  };
}

/**
 * What counts as one client: an IPv4 address, or the /64 that an IPv6 host can choose its addresses
 * from (RFC 4291 §2.5.1). Requests without an address share one bucket.
 */
export function bucketOf(clientAddress: string | undefined): string {
  if (clientAddress === undefined) return UNKNOWN;
  const known = buckets.get(clientAddress);
  if (known !== undefined) return known;
  const bytes = parseAddress(clientAddress);
  if (bytes === undefined) return UNKNOWN;
  const bucket = encodeHex(Uint8Array.from(bytes.length === 16 ? bytes.slice(0, 8) : bytes));
  if (buckets.size >= KNOWN_MAX) buckets.clear();
  buckets.set(clientAddress, bucket);
  return bucket;
}

const UNKNOWN = 'unknown';

/** Of addresses, which every request asks for and few clients change. */
const buckets = new Map<string, string>();
