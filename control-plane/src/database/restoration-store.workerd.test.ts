/** Guarantee: what D1 has forgotten can be written back, keys included. */

import { env } from 'cloudflare:workers';
import { testRestorations } from '../../testing/contracts/restoration-contract.ts';
import { createApiKeyStore } from './api-key-store.d1.ts';
import { createRestorationStore } from './restoration-store.d1.ts';
import { createRevocationStore } from './revocation-store.d1.ts';

testRestorations(() => ({
  restorations: createRestorationStore(env.DB),
  stores: { apiKeys: createApiKeyStore(env.DB), revocations: createRevocationStore(env.DB) },
  run: async (sql) => (await env.DB.prepare(sql).all()).results,
}));
