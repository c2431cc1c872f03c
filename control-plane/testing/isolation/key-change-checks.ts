/** Isolation of the changes of API keys: update, revoke, replace, delete. */

import { expect } from 'vitest';
import {
  cutOff,
  deletionOf,
  newId,
  newImportedId,
  newKey,
  replacementOf,
  revocationOf,
  updateOf,
} from '../contracts/fixtures.ts';
import { type Check, mark, seedKey, twins, unnoticed, victimsKey, withoutEffect } from './pair.ts';

const CHANGES = { name: 'new' };

export const KEY_CHANGE_CHECKS: readonly Check[] = [
  {
    name: 'apiKeys.update of a key of another tenant changes nothing',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const name = { tenantId, keyId: await victimsKey(pair) };
      const update = updateOf(name, { changes: CHANGES, revocation: cutOff(name) });
      for (const isMarked of [false, true]) {
        if (isMarked) await mark(pair, 'api_keys', update.audit);
        const refused = await withoutEffect(pair, () => act.apiKeys.update(update));
        expect(refused).toEqual({ outcome: 'not_found' });
      }
    },
  },
  {
    name: 'apiKeys.update changes its own key alone, from its own revision',
    async run(pair) {
      const { act, run, tenant: tenantId } = pair;
      const name = { tenantId, keyId: await twins(pair) };
      const updated = await unnoticed(pair, () => act.apiKeys.update(updateOf(name)));
      expect(updated).toMatchObject({ outcome: 'updated', key: { tenantId, name: 'new' } });
      await run(`UPDATE api_keys SET revision = 7 WHERE nid = '${tenantId}'`);
      const stale = updateOf(name, { revocation: cutOff(name) });
      await mark(pair, 'api_keys', stale.audit);
      const refused = await withoutEffect(pair, () => act.apiKeys.update(stale));
      expect(refused).toEqual({ outcome: 'changed_meanwhile' });
    },
  },
  {
    name: 'apiKeys.revoke of a key of another tenant changes nothing',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const revocation = revocationOf({ tenantId, keyId: await victimsKey(pair) });
      for (const isMarked of [false, true]) {
        if (isMarked) await mark(pair, 'api_keys', revocation.audit);
        const refused = await withoutEffect(pair, () => act.apiKeys.revoke(revocation));
        expect(refused).toEqual({ outcome: 'not_found' });
      }
    },
  },
  {
    name: 'apiKeys.revoke ends its own key alone, and once',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const name = { tenantId, keyId: await twins(pair) };
      const revoked = await unnoticed(pair, () => act.apiKeys.revoke(revocationOf(name)));
      expect(revoked).toMatchObject({ outcome: 'revoked', key: { tenantId } });
      const again = revocationOf(name);
      await mark(pair, 'api_keys', again.audit);
      const refused = await withoutEffect(pair, () => act.apiKeys.revoke(again));
      expect(refused).toEqual({ outcome: 'already_revoked' });
    },
  },
  {
    name: 'apiKeys.replace of a key of another tenant changes nothing',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const replacement = replacementOf({ tenantId, keyId: await victimsKey(pair) });
      await seedKey(pair, victim, { keyId: replacement.replacement.keyId });
      for (const isMarked of [false, true]) {
        if (isMarked) await mark(pair, 'api_keys', replacement.audit);
        const refused = await withoutEffect(pair, () => act.apiKeys.replace(replacement));
        expect(refused).toEqual({ outcome: 'not_found' });
      }
    },
  },
  {
    name: 'apiKeys.replace replaces its own key alone, under an id that others have',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const request = replacementOf({ tenantId, keyId: await twins(pair) });
      await seedKey(pair, victim, { keyId: request.replacement.keyId });
      const replaced = await unnoticed(pair, () => act.apiKeys.replace(request));
      expect(replaced).toMatchObject({ outcome: 'replaced', oldKey: { tenantId } });
    },
  },
  {
    name: 'apiKeys.replace looks at its own key alone',
    async run(pair) {
      const { act, run, tenant: tenantId, victim } = pair;
      const request = replacementOf({ tenantId, keyId: await twins(pair) });
      await seedKey(pair, victim, { keyId: request.replacement.keyId });
      await mark(pair, 'api_keys', request.audit);
      await run(`UPDATE api_keys SET revision = 7 WHERE nid = '${tenantId}'`);
      const attempt = async () => {
        const outcomes = new Set<string>();
        for (const overlapSeconds of [0, 60]) {
          const attempted = { ...request, overlapSeconds };
          const refused = await withoutEffect(pair, () => act.apiKeys.replace(attempted));
          outcomes.add(refused.outcome);
        }
        return [...outcomes];
      };
      expect(await attempt()).toEqual(['changed_meanwhile']);
      await run(`UPDATE api_keys SET disable_time_ms = 1 WHERE nid = '${tenantId}'`);
      expect(await attempt()).toEqual(['not_active']);
    },
  },
  {
    name: 'apiKeys.replace counts its own keys alone',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      await victimsKey(pair);
      await victimsKey(pair);
      const request = { ...replacementOf({ tenantId, keyId: await twins(pair) }) };
      const overlap = { ...request, overlapSeconds: 60, keysMax: 2 };
      const replaced = await unnoticed(pair, () => act.apiKeys.replace(overlap));
      expect(replaced.outcome).toBe('replaced');
    },
  },
  {
    name: 'apiKeys.delete of a key of another tenant changes nothing',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const keyId = await victimsKey(pair, { kind: 'imported', keyId: newImportedId() });
      const deletion = deletionOf({ tenantId, keyId });
      for (const isMarked of [false, true]) {
        if (isMarked) await mark(pair, 'api_keys', deletion.audit);
        const refused = await withoutEffect(pair, () => act.apiKeys.delete(deletion));
        expect(refused).toEqual({ outcome: 'not_found' });
      }
    },
  },
  {
    name: 'apiKeys.delete removes its own key alone',
    async run(pair) {
      const { act, seed, tenant: tenantId } = pair;
      for (const isMarked of [false, true]) {
        const keyId = await twins(pair, { kind: 'imported', keyId: newImportedId() });
        const deletion = deletionOf({ tenantId, keyId });
        if (isMarked) await mark(pair, 'api_keys', deletion.audit);
        const deleted = await unnoticed(pair, () => act.apiKeys.delete(deletion));
        expect(deleted.outcome).toBe('deleted');
        expect(await seed.apiKeys.find(tenantId, keyId)).toBeUndefined();
      }
    },
  },
  {
    name: 'apiKeys.delete of an issued key changes nothing, whatever others have imported',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const keyId = newId();
      await seedKey(pair, victim, { ...newKey(victim), kind: 'imported', keyId });
      await seedKey(pair, tenantId, { keyId });
      const deletion = deletionOf({ tenantId, keyId });
      await mark(pair, 'api_keys', deletion.audit);
      const refused = await withoutEffect(pair, () => act.apiKeys.delete(deletion));
      expect(refused).toEqual({ outcome: 'not_found' });
    },
  },
];
