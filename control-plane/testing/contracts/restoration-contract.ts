/** The contract of `RestorationStore`. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { type ScopeId, scopeIdOfKey, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { describe, expect, test } from 'vitest';
import type { LostEntry, RestorationStore } from '../../src/publication/restoration.ts';
import { auditOf, insertion, newId, newImportedId, newKey } from './fixtures.ts';
import type { Subject } from './subject.ts';

export type RestorationSubject = Pick<Subject, 'run'> & {
  readonly stores: Pick<Subject['stores'], 'apiKeys' | 'revocations'>;
  readonly restorations: RestorationStore;
};

const FAR = 4_000_000_000;

function lost(scopeId: ScopeId | undefined, change: Partial<LostEntry> = {}): LostEntry {
  if (scopeId === undefined) throw new TypeError('A fixture has a malformed id.');
  return {
    ...{ revocationId: newId(), scopeId, boundSeconds: FOR_GOOD, expiresAtSeconds: FAR },
    ...change,
  };
}

export function testRestorations(subject: () => RestorationSubject): void {
  const insertKey = async (kind: 'issued' | 'imported' = 'issued', tenantId: string = newId()) => {
    const keyId = kind === 'issued' ? newId() : newImportedId();
    const key = newKey(tenantId, { kind, keyId });
    await subject().stores.apiKeys.insert(insertion(key));
    return key;
  };
  const restore = (entries: readonly LostEntry[], event = auditOf(newId(), '')) =>
    subject().restorations.restore(entries, event);
  const stateOf = async (keyId: string) => {
    const rows = await subject().run(
      `SELECT state, disable_time_ms, revision FROM api_keys WHERE key_id = '${keyId}'`,
    );
    return rows.map((row) => ({
      state: row.state,
      isDisabled: row.disable_time_ms !== null,
      revision: Number(row.revision),
    }))[0];
  };

  describe('the mark', () => {
    test('is moved from where it is, by one of many', async () => {
      const { restorations } = subject();
      expect(await restorations.mark()).toBe(0);
      expect(await restorations.moveMark({ from: 3, to: 4 })).toBe(false);
      expect(await restorations.moveMark({ from: 0, to: 1 })).toBe(true);
      expect(await restorations.moveMark({ from: 0, to: 2 })).toBe(false);
      const moves = [2, 3, 4, 5].map((to) => restorations.moveMark({ from: 1, to }));
      expect((await Promise.all(moves)).filter((isMoved) => isMoved)).toHaveLength(1);
      expect(await restorations.mark()).toBeGreaterThan(1);
    });
  });

  describe('what a database lacks is written back', () => {
    test.each(['issued', 'imported'] as const)(
      'an %s key that was revoked is revoked again, and no other',
      async (kind) => {
        const [key, other] = [await insertKey(kind), await insertKey(kind)];
        expect(await restore([lost(scopeIdOfKey(key.keyId))])).toBe(1);
        expect(await stateOf(key.keyId)).toEqual({
          ...{ state: 'revoked', isDisabled: false, revision: 2 },
        });
        expect(await stateOf(other.keyId)).toMatchObject({ state: 'active', revision: 1 });
      },
    );

    test('a key that was cut off is disabled', async () => {
      const key = await insertKey('imported');
      expect(await restore([lost(scopeIdOfKey(key.keyId), { boundSeconds: 7 })])).toBe(1);
      expect(await stateOf(key.keyId)).toMatchObject({ state: 'active', isDisabled: true });
    });

    test('every key of a tenant that was deleted is revoked; of one that was cut off, none', async () => {
      const [deleted, cutOff] = [await insertKey(), await insertKey()];
      const [second, third] = [
        await insertKey('imported', deleted.tenantId),
        await insertKey('imported', cutOff.tenantId),
      ];
      await restore([
        lost(scopeIdOfUuid(deleted.tenantId)),
        lost(scopeIdOfUuid(cutOff.tenantId), { boundSeconds: 7 }),
      ]);
      for (const { keyId } of [deleted, second]) {
        expect(await stateOf(keyId)).toMatchObject({ state: 'revoked' });
      }
      for (const { keyId } of [cutOff, third]) {
        expect(await stateOf(keyId)).toMatchObject({ state: 'active', isDisabled: false });
      }
    });

    test('a row counts for whoever asks for its scope', async () => {
      const { revocations } = subject().stores;
      const scopeId = lost(scopeIdOfUuid(newId())).scopeId;
      const tenantId = newId();
      expect(await revocations.highestBound(tenantId, [scopeId])).toBeUndefined();
      await restore([lost(scopeId, { boundSeconds: 9 })]);
      expect(await revocations.highestBound(tenantId, [scopeId])).toBe(9);
      expect(await revocations.highestBound(tenantId, [{ high: 1, low: 1 }])).toBeUndefined();
    });

    test('only once, with one event, and an event only if something was lacking', async () => {
      const entry = lost(scopeIdOfUuid(newId()));
      const [first, again] = [auditOf(newId(), ''), auditOf(newId(), '')];
      expect(await restore([entry], first)).toBe(1);
      expect(await restore([lost(entry.scopeId)], again)).toBe(0);
      expect(await restore([lost(entry.scopeId, { boundSeconds: 5 })], again)).toBe(0);
      const eventsOf = (id: string) =>
        subject().run(`SELECT event_id FROM audit_events WHERE event_id = '${id}'`);
      expect(await eventsOf(first.eventId)).toHaveLength(1);
      expect(await eventsOf(again.eventId)).toHaveLength(0);
    });

    test('what was in effect, although a higher bound of the scope waits for the end of an overlap', async () => {
      const { revocations } = subject().stores;
      const { scopeId } = lost(scopeIdOfUuid(newId()));
      const waiting = lost(scopeId);
      expect(await restore([waiting])).toBe(1);
      await subject().run(`UPDATE revocations SET effective_at_s = 3900000000
        WHERE revocation_id = '${waiting.revocationId}'`);
      expect(await restore([lost(scopeId, { boundSeconds: 5 })])).toBe(1);
      expect(await revocations.highestBound(newId(), [scopeId])).toBe(5);
    });

    test('a bound that is higher than the one that is left; nothing that is over', async () => {
      const { revocations } = subject().stores;
      const { scopeId } = lost(scopeIdOfUuid(newId()));
      await restore([lost(scopeId, { boundSeconds: 5 })]);
      expect(await restore([lost(scopeId, { boundSeconds: 6 })])).toBe(1);
      expect(await revocations.highestBound(newId(), [scopeId])).toBe(6);
      expect(await restore([lost(scopeId, { expiresAtSeconds: 1000 })])).toBe(0);
      expect(await restore([])).toBe(0);
    });
  });
}
