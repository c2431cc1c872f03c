/** One read is enough when the key's actor is known, and never carries another actor's bounds. */

import type { ScopeId } from '@cardea/shared/feed/scope-id';
import { expect, test } from 'vitest';
import { createActorScopes } from './actor-scopes.ts';
import { readForExchange } from './read-for-exchange.ts';

const KEY = {
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  keyId: 'de027e2c-4b86-4f9b-9a86-b678b5f11df6',
};

async function reader(actorOfRow: string) {
  const salt = await crypto.subtle.importKey(
    'raw',
    new Uint8Array(32),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const reads: string[] = [];
  const asked: ScopeId[] = [];
  const key = { ...KEY, actorId: actorOfRow };
  const actorScopes = createActorScopes(async () => salt);
  const deps = {
    apiKeys: {
      find: async () => {
        reads.push('find');
        return { key, secretHash: '', now: 0 };
      },
    },
    minting: {
      actorScopes,
      store: {
        read: async (query: { scopeIds: readonly ScopeId[] }) => {
          reads.push('read');
          asked.push(...query.scopeIds);
          return { key, secretHash: '', now: 0, bounds: new Map() };
        },
      },
    },
  };
  return { deps: deps as never, actorScopes, reads, asked };
}

test('a key that is not known here is read for authentication alone', async () => {
  const { deps, reads } = await reader('alice');
  expect(await readForExchange(deps, KEY)).not.toHaveProperty('moment');
  expect(reads).toEqual(['find']);
});

test('a known key is read once, with the bounds of its actor', async () => {
  const { deps, actorScopes, reads, asked } = await reader('alice');
  const actor = await actorScopes.of({ ...KEY, actorId: 'alice' });
  const reading = await readForExchange(deps, KEY);
  expect(reading.moment).toBe(reading.stored);
  expect(reads).toEqual(['read']);
  expect(asked).toContainEqual(actor);
});

test('a key that was imported again for another actor is not minted from with the bounds of the first', async () => {
  const { deps, actorScopes, reads } = await reader('bob');
  await actorScopes.of({ ...KEY, actorId: 'alice' });
  const reading = await readForExchange(deps, KEY);
  expect(reading.stored?.key.actorId).toBe('bob');
  expect(reading).not.toHaveProperty('moment');
  expect((await readForExchange(deps, KEY)).moment?.key.actorId).toBe('bob');
  expect(reads).toEqual(['read', 'read']);
});
