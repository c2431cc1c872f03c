/** Between rows of `replaced_macaroon_keys`, of either dialect, and replaced keys. */

import type { NewReplacedKey, ReplacedKey } from '../macaroons/replaced-keys.ts';
import type { replacedMacaroonKeys } from './schema.d1.ts';

export function toReplacedKey(row: typeof replacedMacaroonKeys.$inferSelect): ReplacedKey {
  return {
    tenantId: row.nid,
    audience: row.audience,
    kid: row.kid,
    epoch: { startSeconds: row.epochStartS, lengthSeconds: row.epochLengthS },
    generation: row.generation,
    replacedAtSeconds: row.replacedAtS,
    expiresAtSeconds: row.expiresAtS,
  };
}

/** Every column but the time, which is the database's. */
export function fromReplacedKey(key: NewReplacedKey) {
  return {
    nid: key.tenantId,
    kid: key.kid,
    audience: key.audience,
    epochStartS: key.epoch.startSeconds,
    epochLengthS: key.epoch.lengthSeconds,
    generation: key.generation,
    expiresAtS: key.expiresAtSeconds,
  };
}
