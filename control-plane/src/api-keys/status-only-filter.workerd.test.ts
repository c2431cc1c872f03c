/** Guarantee: STATUS_ONLY_FILTER=refuse turns away, on both collections, exactly what Talos does. */

import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { ISSUED, ORIGIN, outcomeOf } from '../../testing/api.ts';
import { createApp } from '../app.ts';
import { parseConfig } from '../config.workers.ts';
import { createWorkerDeps } from '../worker.ts';

const IMPORTED = ISSUED.replace('issued', 'imported');
const headers = { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` };

async function appWith(settings: object) {
  const deps = await createWorkerDeps(parseConfig({ ...env, ...settings }));
  return createApp({ ...deps, log: () => {} });
}

const strict = await appWith({ STATUS_ONLY_FILTER: 'refuse' });
const liberal = await appWith({});

const list = async (app: typeof strict, path: string, filter: string) =>
  app.fetch(new Request(`${ORIGIN}${path}?${new URLSearchParams({ filter })}`, { headers }));

describe.each([ISSUED, IMPORTED])('%s', (path) => {
  test('refuses a status without an actor, and allows it by default', async () => {
    const alone = 'status=KEY_STATUS_ACTIVE';
    const refused = await list(strict, path, alone);
    expect(await outcomeOf(refused.clone())).toBe('400 bad_request');
    const { error } = await refused.json<{ error: { message: string } }>();
    expect(error.message).toBe('status filter must be combined with actor_id');
    expect((await list(liberal, path, alone)).status).toBe(200);
  });

  test.each(['', 'actor_id=a', 'actor_id=a AND status=KEY_STATUS_ACTIVE'])(
    'allows "%s"',
    async (filter) => {
      expect((await list(strict, path, filter)).status).toBe(200);
    },
  );
});
