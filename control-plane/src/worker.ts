/** The control plane on Cloudflare Workers. Composition root: the only file that knows them all. */

import { waitUntil } from 'cloudflare:workers';
import { randomBytes } from '@cardea/shared/crypto/random';
import { unixMilliseconds } from '@cardea/shared/time';
import { fetchJwks } from './admin-auth/fetch-jwks.ts';
import { importPepperReader } from './api-keys/imported-key-id.ts';
import { createWorkersLastUsedRecorder } from './api-keys/last-used.workers.ts';
import { createApp } from './app.ts';
import { auditKeyReader, createEventRecorder } from './audit/event-recorder.ts';
import { createFailureSampler } from './audit/failure-sampler.ts';
import { systemClock } from './clock.ts';
import { readConfig, type WorkersConfig } from './config.workers.ts';
import { ConfigInvalid } from './config-source.ts';
import type { Stores } from './database/stores.ts';
import { createWorkersStores } from './database/stores.workers.ts';
import type { Deps } from './deps.ts';
import { dischargeRootReader } from './discharges/discharge-root.ts';
import { edgeRootReader } from './edges/edge-secret.ts';
import { problemResponse } from './http/problem.ts';
import { CACHE_CONTROL_DEFAULT, SECURITY_HEADERS } from './http/security-headers.ts';
import { consoleLog, createConsoleLog } from './log.ts';
import { macaroonKeyTimes } from './macaroons/macaroon-key.ts';
import { macaroonRootReader } from './macaroons/macaroon-root.ts';
import { createTenantKeyReader, type ReadTenantKeys } from './macaroons/tenant-keys.ts';
import { deriveMasterKeys } from './master-keys.ts';
import { NO_METRICS } from './observability/metrics.ts';
import { NO_TRACING } from './observability/tracing.ts';
import { createEdgeSightings } from './publication/edge-sightings.ts';
import { createFeedReader } from './publication/feed-reader.ts';
import { createHubAnnouncer } from './publication/hub/hub-announcer.ts';
import type { HubApi } from './publication/hub/hub-api.ts';
import { createHubClient } from './publication/hub/hub-client.ts';
import { createWorkersRateLimiter } from './rate-limits/rate-limiter.workers.ts';
import { createTenantResolver } from './tenants/tenant-resolver.ts';
import { actorSaltReader } from './tokens/actor-salt.ts';
import { createActorScopes } from './tokens/actor-scopes.ts';
import { type AttemptCounter, createAttempts } from './tokens/attempts.ts';
import { createDerivedTokenVerifier } from './tokens/derived-token-verifier.ts';
import type { MintingParts } from './tokens/mint-token.ts';
import { sleep } from './tokens/sleep.ts';
import type { SecretMeans } from './tokens/stored-secret.ts';
import { createTokenSigner } from './tokens/token-signer.ts';

// biome-ignore lint/performance/noBarrelFile: Workers finds Durable Object classes by their export.
export { Hub } from './publication/hub/hub.ts';
export { RateLimitCounter } from './rate-limits/rate-limit-counter.ts';
export { AttemptLimiter } from './tokens/attempt-limiter.ts';

/** Plain data of this isolate, by environment: no promise, no response, no stream. */
const apps = new WeakMap<object, ReturnType<typeof createApp>>();

export default {
  async fetch(request, env, context) {
    try {
      const config = readConfig(env);
      const isFirst = !apps.has(env);
      const app = await appOf(env, config);
      if (isFirst) context.waitUntil(pokeHub(config));
      return await app.fetch(request, env, context);
    } catch (error) {
      if (error instanceof ConfigInvalid) return refuseToServe(error);
      throw error;
    }
  },

  async scheduled(_controller, env) {
    await pokeHub(readConfig(env));
  },
} satisfies ExportedHandler<object>;

async function appOf(env: object, config: WorkersConfig): Promise<ReturnType<typeof createApp>> {
  const known = apps.get(env);
  if (known !== undefined) return known;
  const app = createApp(await createWorkerDeps(config), config.surface);
  apps.set(env, app);
  return app;
}

/** Wakes the publisher. It has its own alarm: this only helps a hub that never ran or lost it. */
async function pokeHub({ bindings, environmentId }: WorkersConfig): Promise<void> {
  await createHubClient(bindings.hub, environmentId).poke({ soon: false });
}

function refuseToServe(error: ConfigInvalid): Response {
  consoleLog('error', 'config_invalid', { problems: error.problems });
  const message = 'The server is misconfigured. Its log says what to change.';
  const headers = { ...SECURITY_HEADERS, 'Cache-Control': CACHE_CONTROL_DEFAULT };
  return problemResponse({ code: 'service_unavailable', message }, headers);
}

/** The parts of the control plane on Workers, put together. Exported for tests. */
export async function createWorkerDeps(config: WorkersConfig): Promise<Deps> {
  const stores = createWorkersStores(config.bindings);
  const { adminCredentials, apiKeys, revocationLedger, revocations, signingKeys } = stores;
  const { tenants: tenantStore } = stores;
  const keys = await deriveMasterKeys(config);
  const clock = systemClock;
  const log = createConsoleLog(config.logLevel);
  const hub = createHubClient(config.bindings.hub, config.environmentId);
  const secrets = {
    store: stores.secrets,
    keyEncryption: keys.keyEncryption,
    randomBytes,
  };
  const macaroonKeys = createTenantKeyReader({
    ...{ edges: stores.edges, replacedKeys: stores.replacedKeys, clock },
    root: macaroonRootReader(secrets),
    times: macaroonKeyTimes(config),
  });
  return {
    ...{ config, keys, clock, randomBytes, log, apiKeys, revocationLedger, signingKeys },
    importPepper: importPepperReader(secrets),
    metrics: NO_METRICS,
    tracing: NO_TRACING,
    clientAddressOf: ({ headers }) => headers.get('cf-connecting-ip') ?? undefined,
    lastUsed: createWorkersLastUsedRecorder({ apiKeys, log }),
    rateLimiter: createWorkersRateLimiter(config.bindings.limits),
    ...createAuditParts({ auditEvents: stores.audit, secrets, clock, log }),
    tenantStore,
    tenants: createTenantResolver({ store: tenantStore, config, clock }),
    database: stores.status,
    announcer: createHubAnnouncer({ hub, revocations, log }),
    derivedTokens: createDerivedTokenVerifier({
      ...{ config, signingKeys, revocations, clock, macaroonKeys },
    }),
    publisher: createPublisherStatus(hub),
    minting: createMintingParts(stores, secrets, macaroonKeys),
    adminCredentials,
    revocations,
    dischargeRoot: dischargeRootReader(secrets),
    edges: stores.edges,
    edgeRoot: edgeRootReader(secrets),
    adminAttempts: createAttempts({
      counterOf: (bucket) => attemptCounters(config.bindings.attempts)(`admin/${bucket}`),
      failuresMax: config.adminFailuresPerMinute,
      clock,
      log,
    }),
    fetchJwks,
    attempts: createAttempts({
      counterOf: attemptCounters(config.bindings.attempts),
      failuresMax: config.exchangeFailuresPerMinute,
      clock,
      log,
    }),
    feed: createFeedReader({ hub, clock, log }),
    edgeSightings: createEdgeSightings({
      store: { note: hub.noteSightings, list: hub.sightings },
      ...{ inBackground: waitUntil, clock, log },
    }),
  };
}

function createPublisherStatus(hub: Pick<HubApi, 'status'>): Deps['publisher'] {
  return {
    hasPublished: async () => (await hub.status()).publishedSeq !== null,
    async report() {
      const { failures, lastError, publishedAt, publishedSeq } = await hub.status();
      return {
        ...{ failures, writesKv: true },
        ...(publishedSeq === null ? {} : { publishedSeq }),
        ...(publishedAt === null ? {} : { publishedAt: unixMilliseconds(publishedAt) }),
        ...(lastError === null ? {} : { lastError }),
      };
    },
  };
}

function createAuditParts({
  auditEvents,
  secrets,
  clock,
  log,
}: Pick<Deps, 'auditEvents' | 'clock' | 'log'> & {
  readonly secrets: SecretMeans;
}): Pick<Deps, 'auditEvent' | 'auditEvents' | 'auditKey' | 'failures'> {
  const auditKey = auditKeyReader(secrets);
  const auditEvent = createEventRecorder({ auditKey, randomBytes });
  const sampling = { events: auditEvents, auditEvent, inBackground: waitUntil, clock, log };
  return { auditEvent, auditEvents, auditKey, failures: createFailureSampler(sampling) };
}

function createMintingParts(
  { minting }: Stores,
  secrets: SecretMeans,
  macaroonKeys: ReadTenantKeys,
): MintingParts {
  return {
    store: minting,
    sign: createTokenSigner(secrets.keyEncryption),
    macaroonKeys,
    actorScopes: createActorScopes(actorSaltReader(secrets)),
    randomBytes,
    sleep,
  };
}

/** That the class behind the binding is `AttemptLimiter` is written in wrangler.toml. */
function attemptCounters(namespace: DurableObjectNamespace): (bucket: string) => AttemptCounter {
  return (bucket) => namespace.get(namespace.idFromName(bucket)) as unknown as AttemptCounter;
}
