/** The parts of the control plane on Node, put together. Part of `node.ts`. */

import { fetchJwks } from '../admin-auth/fetch-jwks.ts';
import { importPepperReader } from '../api-keys/imported-key-id.ts';
import { createLastUsedBuffer, type LastUsedBuffer } from '../api-keys/last-used-buffer.ts';
import { createFailureSampler } from '../audit/failure-sampler.ts';
import type { NodeConfig } from '../config.node.ts';
import { createAttemptCounters } from '../database/attempt-counters.pg.ts';
import { createEdgeSightingStore } from '../database/edge-sighting-store.pg.ts';
import type { PostgresDatabase } from '../database/postgres.ts';
import { createRateLimiter } from '../database/rate-limiter.pg.ts';
import type { Deps } from '../deps.ts';
import { dischargeRootReader } from '../discharges/discharge-root.ts';
import { edgeRootReader } from '../edges/edge-secret.ts';
import { macaroonKeyTimes } from '../macaroons/macaroon-key.ts';
import { macaroonRootReader } from '../macaroons/macaroon-root.ts';
import { createTenantKeyReader } from '../macaroons/tenant-keys.ts';
import { createEdgeSightings } from '../publication/edge-sightings.ts';
import type { NodePublisher } from '../publication/node-publisher.ts';
import { actorSaltReader } from '../tokens/actor-salt.ts';
import { createActorScopes } from '../tokens/actor-scopes.ts';
import { createAttempts } from '../tokens/attempts.ts';
import { createDerivedTokenVerifier } from '../tokens/derived-token-verifier.ts';
import { sleep } from '../tokens/sleep.ts';
import { createTokenSigner } from '../tokens/token-signer.ts';
import type { BackgroundWork } from './background-work.ts';
import { makeNodeSigner } from './native-crypto.ts';
import type { NodeStores } from './stores.ts';

export interface DepsParts extends Pick<Deps, 'clientAddressOf' | 'log' | 'metrics' | 'tracing'> {
  readonly config: NodeConfig;
  readonly db: PostgresDatabase;
  readonly means: NodeStores;
  readonly publisher: NodePublisher;
  readonly background: BackgroundWork;
  readonly isStopping: () => boolean;
}

export interface NodeDeps extends Deps {
  readonly lastUsed: LastUsedBuffer;
}

export function createNodeDeps(parts: DepsParts): NodeDeps {
  const { config, db, means, log, publisher } = parts;
  const { auditEvent, auditKey, clock, keys, randomBytes, secrets, stores } = means;
  const { apiKeys, audit: auditEvents, revocationLedger, revocations, signingKeys } = stores;
  const { clientAddressOf, isStopping, metrics, tracing } = parts;
  const inBackground = parts.background.add;
  const counterOf = createAttemptCounters(db);
  const adminCounterOf = (bucket: string) => counterOf(`admin/${bucket}`);
  const macaroonKeys = createTenantKeyReader({
    ...{ edges: stores.edges, replacedKeys: stores.replacedKeys, clock },
    root: macaroonRootReader(secrets),
    times: macaroonKeyTimes(config),
  });
  return {
    ...{ config, keys, clock, randomBytes, log, metrics, tracing, clientAddressOf, isStopping },
    ...{ apiKeys, auditEvent, auditEvents, auditKey, revocationLedger, signingKeys, fetchJwks },
    tenants: means.tenants,
    tenantStore: stores.tenants,
    adminCredentials: stores.adminCredentials,
    revocations,
    dischargeRoot: dischargeRootReader(secrets),
    edges: stores.edges,
    edgeRoot: edgeRootReader(secrets),
    database: stores.status,
    importPepper: importPepperReader(secrets),
    lastUsed: createLastUsedBuffer({ apiKeys, log }),
    rateLimiter: createRateLimiter(db),
    failures: createFailureSampler({ events: auditEvents, auditEvent, inBackground, clock, log }),
    derivedTokens: createDerivedTokenVerifier({
      ...{ config, signingKeys, revocations, clock, macaroonKeys },
    }),
    announcer: publisher.announcer,
    publisher: {
      hasPublished: async () => (await publisher.status()).publishedSeq !== undefined,
      report: async () => ({ ...(await publisher.status()), writesKv: config.kv !== undefined }),
    },
    minting: {
      store: stores.minting,
      sign: createTokenSigner(secrets.keyEncryption, makeNodeSigner),
      macaroonKeys,
      actorScopes: createActorScopes(actorSaltReader(secrets)),
      ...{ randomBytes, sleep },
    },
    attempts: createAttempts({
      counterOf,
      failuresMax: config.exchangeFailuresPerMinute,
      clock,
      log,
    }),
    adminAttempts: createAttempts({
      counterOf: adminCounterOf,
      failuresMax: config.adminFailuresPerMinute,
      clock,
      log,
    }),
    feed: publisher.feed,
    edgeSightings: createEdgeSightings({
      store: createEdgeSightingStore(db),
      ...{ inBackground, clock, log },
    }),
  };
}
