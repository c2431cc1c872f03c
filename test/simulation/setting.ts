/** How the deployment of one run is set up, and the names that everybody in it agrees on. */

import { defaultTenant, type Tenant } from '@cardea/control-plane/tenants/tenant';
import type { Random } from './random.ts';

/** Where the publisher runs: the hub with a storage of its own, or processes on one database. */
export type Runtime = 'workers' | 'node';

export interface Setting {
  readonly runtime: Runtime;
  readonly feedHardSeconds: number;
  /** Lane B's, where edges ask the publisher as well; absent where they do not. */
  readonly laneBHardSeconds?: number;
  readonly clockSkewSeconds: number;
  readonly feedHeartbeatSeconds: number;
  readonly derivedTokenTtlMaxSeconds: number;
  readonly locations: number;
  readonly isolatesPerLocation: number;
  /** How long the faults last; then it is calm, and everything has to come right by itself. */
  readonly faultySeconds: number;
  /** Whether so much is revoked that the head alone cannot carry it. */
  readonly hasMasses: boolean;
  /** Whether the database is restored again and again to what the last cycle of the hub left. */
  readonly isRestoredOften: boolean;
  /** How many times slower than usual everybody asks. */
  readonly pace: number;
}

export const ENVIRONMENT_ID = 'simulated';
export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'https://api.test';
export const TOKEN_SECONDS_MAX = 600;
export const START_MILLISECONDS = 1_700_000_000_000;

export const TENANT: Tenant = defaultTenant({
  ...{ issuer: ISSUER, audience: AUDIENCE, apiKeyPrefix: 'sim', publicApiKeyPrefix: 'simpub' },
  ...{ retiredApiKeyPrefixes: [], apiKeyTtlDefaultSeconds: 86_400, apiKeyTtlMaxSeconds: 86_400 },
  derivedTokenTtlDefaultSeconds: TOKEN_SECONDS_MAX,
  derivedTokenTtlMaxSeconds: TOKEN_SECONDS_MAX,
});

/** What is left open is drawn. */
export function chooseSetting(
  random: Random,
  wish: {
    readonly runtime?: Runtime | undefined;
    readonly isLong?: boolean | undefined;
    readonly hasMasses?: boolean | undefined;
    readonly hasLaneB?: boolean | undefined;
    readonly isRestoredOften?: boolean | undefined;
  },
): Setting {
  const runtime = random.pick(['workers', 'node'] as const);
  // The long ones outlive tokens, retired keys and the entries of both.
  const isDrawnLong = random.chance(0.12);
  const isLong = wish.isLong ?? isDrawnLong;
  const hasDrawnMasses = random.chance(0.04) && !isLong;
  const hasDrawnLaneB = random.chance(0.4);
  const hasLaneB = wish.hasLaneB ?? hasDrawnLaneB;
  const feedHardSeconds = isLong ? 120 : random.pick([20, 60, 120]);
  return {
    runtime: wish.runtime ?? runtime,
    feedHardSeconds,
    ...(hasLaneB ? { laneBHardSeconds: 10 } : {}),
    clockSkewSeconds: random.pick([0, 4, 10]),
    feedHeartbeatSeconds: Math.min(30, Math.floor(feedHardSeconds / 4)),
    derivedTokenTtlMaxSeconds: TOKEN_SECONDS_MAX,
    locations: 3,
    isolatesPerLocation: random.pick([1, 2]),
    faultySeconds: isLong ? 1300 : random.pick([180, 260]),
    hasMasses: wish.hasMasses ?? hasDrawnMasses,
    isRestoredOften: wish.isRestoredOften ?? false,
    pace: isLong ? 3 : 1,
  };
}

/** Two clocks differ by the tolerated skew at most. Milliseconds. */
export function clockOffset(random: Random, { clockSkewSeconds }: Setting): number {
  return random.integer(-500 * clockSkewSeconds, 500 * clockSkewSeconds);
}
