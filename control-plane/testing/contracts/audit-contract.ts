/** The contract of `AuditStore`. */

import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { AuditEvent, NewAuditEvent } from '../../src/audit/audit-event.ts';
import { allAtOnce, auditOf, newId, tally } from './fixtures.ts';
import { countRows, type Subject } from './subject.ts';

const idsOf = (events: readonly AuditEvent[]) => events.map(({ eventId }) => eventId);

export function testAuditEvents(subject: () => Subject): void {
  /** Appends as many events of a new tenant, one a second, the oldest first. */
  async function appendEvents(count: number): Promise<readonly NewAuditEvent[]> {
    const { stores, run } = subject();
    const tenantId = newId();
    const events = Array.from({ length: count }, () => auditOf(tenantId, newId()));
    for (const [place, event] of events.entries()) {
      expect(await stores.audit.append(event)).toBe('appended');
      await run(`UPDATE audit_events SET time_ms = ${(place + 1) * 1000}
        WHERE event_id = '${event.eventId}'`);
    }
    return events;
  }

  describe('an audit event', () => {
    test('comes back as it was made, with the time of the database', async () => {
      const { audit } = subject().stores;
      const event = auditOf(newId(), 'target', 'tenant.create');
      const bare: NewAuditEvent = {
        ...{ ...auditOf(event.tenantId, 'target'), changes: {} },
        caller: { kind: 'system', id: '', requestId: '' },
      };
      await audit.append(event);
      await audit.append(bare);
      const found = await audit.findMany([event.eventId, bare.eventId, newId()]);
      const byId = new Map(found.map((one) => [one.eventId, one]));
      for (const made of [event, bare]) {
        const { time = 0, ...rest } = byId.get(made.eventId) ?? {};
        expect(rest).toEqual(made);
        expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
      }
      expect(await audit.findMany([])).toEqual([]);
    });

    test('is appended as often as its limit allows', async () => {
      const { audit } = subject().stores;
      const tenantId = newId();
      const append = (operation: 'api_key.verification_failed' | 'tenant.create') =>
        audit.append(auditOf(tenantId, newId(), operation), { perMinuteMax: 3 });
      const outcomes = await allAtOnce(12, () => append('api_key.verification_failed'));
      expect(tally(outcomes)).toEqual({ appended: 3, over_limit: 9 });
      expect(await append('tenant.create')).toBe('appended');
      await subject().run(`UPDATE audit_events SET time_ms = 1 WHERE nid = '${tenantId}'`);
      expect(await append('api_key.verification_failed')).toBe('appended');
    });
  });

  describe('a page of audit events', () => {
    test('holds what its query asks for, newest first', async () => {
      const { audit } = subject().stores;
      const events = await appendEvents(5);
      const tenantId = events[0]?.tenantId ?? '';
      const query = { tenantId, pageSize: 2 };
      const newest = idsOf([...events].reverse() as AuditEvent[]);
      const seen: string[] = [];
      let after: { readonly after?: { time: AuditEvent['time']; eventId: string } } = {};
      for (;;) {
        const page = await audit.list({ ...query, ...after });
        seen.push(...idsOf(page.events));
        const last = page.events.at(-1);
        if (!page.hasMore || last === undefined) break;
        after = { after: { time: last.time, eventId: last.eventId } };
      }
      expect(seen).toEqual(newest);
      const some = async (change: object) =>
        idsOf((await audit.list({ tenantId, pageSize: 9, ...change })).events);
      const [since, until] = [unixMilliseconds(2000), unixMilliseconds(4000)];
      expect(await some({ since, until })).toEqual(newest.slice(2, 4));
      expect(await some({ targetId: events[1]?.targetId })).toEqual([events[1]?.eventId]);
      expect(await some({ operation: 'api_key.update', callerId: 'credential' })).toEqual(newest);
      expect(await some({ operation: 'api_key.issue' })).toEqual([]);
      expect(await some({ callerId: 'other' })).toEqual([]);
      expect(await some({ tenantId: newId() })).toEqual([]);
      expect((await audit.list({ pageSize: 1 })).hasMore).toBe(true);
    });

    test('parts events of one moment by their id', async () => {
      const { audit } = subject().stores;
      const events = await appendEvents(3);
      const tenantId = events[0]?.tenantId ?? '';
      await subject().run(`UPDATE audit_events SET time_ms = 7 WHERE nid = '${tenantId}'`);
      const ids = events
        .map(({ eventId }) => eventId)
        .sort()
        .reverse();
      const [newest = '', ...others] = ids;
      const after = { time: unixMilliseconds(7), eventId: newest };
      expect(idsOf((await audit.list({ tenantId, pageSize: 9, after })).events)).toEqual(others);
    });
  });

  describe('sealing', () => {
    test('goes by time, all or nothing', async () => {
      const { audit } = subject().stores;
      const [one, two, three] = await appendEvents(3);
      const ids = [one, two, three].map((event) => event?.eventId ?? '');
      await subject().run(`DELETE FROM audit_events WHERE nid <> '${one?.tenantId}'`);
      expect(await audit.lastSealed()).toBeUndefined();
      expect(idsOf(await audit.unsealed(2))).toEqual(ids.slice(0, 2));
      const sealOf = (eventId: string, position: number) => ({
        eventId,
        position,
        seal: `s${position}`,
      });
      const [first, second, third] = ids.map((id, place) => sealOf(id, place + 1));
      if (!first || !second || !third) throw new Error('Three events were appended.');
      const twice = await allAtOnce(12, () => audit.seal([first, second]));
      expect(tally(twice)).toEqual({ sealed: 1, conflict: 11 });
      for (const conflict of [
        [sealOf(third.eventId, 2)],
        [third, sealOf(newId(), 4)],
        [third, sealOf(first.eventId, 4)],
      ]) {
        expect(await audit.seal(conflict)).toBe('conflict');
      }
      expect(idsOf(await audit.unsealed(9))).toEqual([third.eventId]);
      expect(await audit.seal([third])).toBe('sealed');
      expect(await audit.seal([])).toBe('sealed');
      expect(await audit.lastSealed()).toMatchObject({
        eventId: third.eventId,
        position: 3,
        seal: 's3',
      });
      expect(idsOf(await audit.sealedFrom(2, 9))).toEqual(ids.slice(1));
      expect(idsOf(await audit.sealedFrom(1, 1))).toEqual(ids.slice(0, 1));
    });

    test('protects what is removed by place and by time', async () => {
      const { audit } = subject().stores;
      // Those of the test before: positions 1 to 3 at 1 to 3 seconds.
      expect(await audit.removeBefore(1, unixMilliseconds(9000))).toBe(0);
      expect(await audit.removeBefore(3, unixMilliseconds(1000))).toBe(0);
      const [event] = await appendEvents(1);
      expect(await audit.removeBefore(3, unixMilliseconds(2000))).toBe(1);
      expect(await audit.removeBefore(3, unixMilliseconds(9000))).toBe(1);
      const positions = (await audit.sealedFrom(1, 9)).map(({ position }) => position);
      expect(positions).toEqual([3]);
      // One that is not sealed stays, however old it is.
      const where = `event_id = '${event?.eventId}'`;
      expect(await countRows(subject(), 'audit_events', where)).toBe(1);
    });
  });
}
