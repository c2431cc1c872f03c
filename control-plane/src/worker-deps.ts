/** The parts of the control plane on Workers, put together. Imported by worker.ts alone. */

import { randomBytes } from '@cardea/shared/crypto/random';
import { systemClock } from './clock.ts';
import type { ControlPlaneConfig } from './config.ts';
import { createApiKeyStore } from './database/api-key-store.d1.ts';
import { createDatabaseStatus } from './database/database-status.d1.ts';
import type { Deps } from './deps.ts';
import { consoleLog } from './log.ts';
import { deriveMasterKeys } from './master-keys.ts';

export async function createWorkerDeps(config: ControlPlaneConfig): Promise<Deps> {
  return {
    config,
    keys: await deriveMasterKeys(config),
    clock: systemClock,
    randomBytes,
    log: consoleLog,
    apiKeys: createApiKeyStore(config.bindings.database),
    database: createDatabaseStatus(config.bindings.database),
    // Plugged in by tokens/ and publication/: see the ports in deps.ts.
    announcer: { announce: async () => 'accepted' },
    derivedTokens: { verify: async () => ({ ok: false, refusal: { reason: 'token_malformed' } }) },
    publisher: { hasPublished: async () => false },
  };
}
