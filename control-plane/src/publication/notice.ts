/** How long it takes until every edge knows what the publisher has learned of a key. */

import { publicationBoundSeconds } from '../signing-keys/signing-key.ts';
import { OBJECT_ARRIVAL_MILLISECONDS } from './plan-publication.ts';

/**
 * Seconds: the publisher looks (a heartbeat), writes a keyset and names it once it has arrived; then the
 * bound runs for edges that hold the head before.
 */
export function noticeSeconds(config: {
  readonly feedHardSeconds: number;
  readonly feedHeartbeatSeconds: number;
  readonly clockSkewSeconds: number;
}): number {
  const arrivalSeconds = OBJECT_ARRIVAL_MILLISECONDS / 1000;
  return config.feedHeartbeatSeconds + arrivalSeconds + publicationBoundSeconds(config);
}
