/** The application with parts that answer from memory: for tests of what is told about requests. */

import { unixMilliseconds } from '@cardea/shared/time';
import { createApp } from '../src/app.ts';
import type { Deps } from '../src/deps.ts';
import { StoreUnavailable } from '../src/store-unavailable.ts';
import { defaultTenant } from '../src/tenants/tenant.ts';

const SETTINGS = {
  issuer: 'http://localhost',
  audience: 'http://localhost',
  apiKeyPrefix: 'ck',
  publicApiKeyPrefix: 'ckp',
  retiredApiKeyPrefixes: [],
  apiKeyTtlDefaultSeconds: 1,
  apiKeyTtlMaxSeconds: 1,
  derivedTokenTtlDefaultSeconds: 1,
  derivedTokenTtlMaxSeconds: 1,
};

/** Anything that is not given fails when it is used. */
export function createObservedApp(parts: Partial<Deps>, { isDatabaseUp = true } = {}) {
  const tenant = defaultTenant(SETTINGS as never);
  const deps = {
    config: { ...SETTINGS, adminTokenSha256: new Uint8Array(32), surface: 'all' },
    clock: { now: () => unixMilliseconds(Date.now()) },
    randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    log: () => {},
    clientAddressOf: () => undefined,
    tenants: {
      byHost: async () => tenant,
      byId: async () => tenant,
      all: async () => [tenant],
      forget: () => {},
    },
    database: {
      async check() {
        if (!isDatabaseUp) throw new StoreUnavailable();
      },
    },
    publisher: { hasPublished: async () => true },
    ...parts,
  };
  return createApp(deps as never);
}
