/** The bindings of the control plane in tests: secrets made anew for each run, none of them written down. */

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { readD1Migrations } from '@cloudflare/vitest-plugin';

export async function controlPlaneTestBindings() {
  const adminToken = randomBytes(32).toString('base64url');
  const feedKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return {
    CARDEA_SECRET: randomBytes(32).toString('base64url'),
    ADMIN_TOKEN_SHA256: createHash('sha256').update(adminToken).digest('hex'),
    FEED_SIGNING_KEY: JSON.stringify(feedKey),
    /** Tests refuse administrators by the hundred, all from one address. */
    ADMIN_FAILURES_PER_MINUTE: '100000',
    /** For tests alone: the worker knows the hash. */
    TEST_ADMIN_TOKEN: adminToken,
    TEST_MIGRATIONS: await readD1Migrations(
      fileURLToPath(new URL('../migrations/d1', import.meta.url)),
    ),
  };
}
