/** The parts of the control plane on Workers, put together. Imported by worker.ts alone. */

import { randomBytes } from '@cardea/shared/crypto/random';
import { systemClock } from './clock.ts';
import type { ControlPlaneConfig } from './config.ts';
import { createApiKeyStore } from './database/api-key-store.d1.ts';
import { createDatabaseStatus } from './database/database-status.d1.ts';
import { createMintingStore } from './database/minting-store.d1.ts';
import { createRevocationStore } from './database/revocation-store.d1.ts';
import { createSigningKeyStore } from './database/signing-key-store.d1.ts';
import { createStoredSecretStore } from './database/stored-secret-store.d1.ts';
import type { Deps } from './deps.ts';
import { consoleLog } from './log.ts';
import { deriveMasterKeys, type MasterKeys } from './master-keys.ts';
import { createFeedReader } from './publication/feed-reader.ts';
import { createHubAnnouncer } from './publication/hub-announcer.ts';
import { createHubClient } from './publication/hub-client.ts';
import { actorSaltReader } from './tokens/actor-salt.ts';
import { type AttemptCounter, createAttempts } from './tokens/attempts.ts';
import { createDerivedTokenVerifier } from './tokens/derived-token-verifier.ts';
import type { MintingParts } from './tokens/mint-token.ts';
import { sleep } from './tokens/sleep.ts';
import { createTokenSigner } from './tokens/token-signer.ts';

export async function createWorkerDeps(config: ControlPlaneConfig): Promise<Deps> {
  const { database, hub: hubNamespace } = config.bindings;
  const keys = await deriveMasterKeys(config);
  const clock = systemClock;
  const log = consoleLog;
  const hub = createHubClient(hubNamespace, config.environmentId);
  const revocations = createRevocationStore(database);
  const signingKeys = createSigningKeyStore(database);
  return {
    ...{ config, keys, clock, randomBytes, log, signingKeys },
    apiKeys: createApiKeyStore(database),
    database: createDatabaseStatus(database),
    announcer: createHubAnnouncer({ hub, revocations, log }),
    derivedTokens: createDerivedTokenVerifier({ config, signingKeys, revocations, clock }),
    publisher: { hasPublished: async () => (await hub.status()).publishedSeq !== null },
    minting: createMintingParts(config, keys),
    attempts: createAttempts({
      counterOf: attemptCounters(config.bindings.attempts),
      failuresMax: config.exchangeFailuresPerMinute,
      log,
    }),
    feed: createFeedReader(hub, log),
  };
}

function createMintingParts(config: ControlPlaneConfig, keys: MasterKeys): MintingParts {
  const { database } = config.bindings;
  const { keyEncryption } = keys;
  const store = createStoredSecretStore(database);
  return {
    config,
    store: createMintingStore(database),
    sign: createTokenSigner(keyEncryption),
    actorSalt: actorSaltReader({ store, keyEncryption, randomBytes }),
    randomBytes,
    sleep,
  };
}

/** That the class behind the binding is `AttemptLimiter` is written in wrangler.toml. */
function attemptCounters(namespace: DurableObjectNamespace): (bucket: string) => AttemptCounter {
  return (bucket) => namespace.get(namespace.idFromName(bucket)) as unknown as AttemptCounter;
}
