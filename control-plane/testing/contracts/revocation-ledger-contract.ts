/** The contract of `RevocationLedger`, and of `ApiKeyStore.revokeOnce`, which shares its request ids. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { EVERYTHING, formatScopeId, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { type UnixSeconds, unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { RevocationCreation, RevocationQuery } from '../../src/revocations/ledger.ts';
import { cutOffOfEverything, revocationOfToken } from '../../src/revocations/new-revocation.ts';
import type { NewRevocation, Revocation } from '../../src/revocations/revocation.ts';
import {
  allAtOnce,
  auditOf,
  insertion,
  LIVES_SECONDS,
  newId,
  newKey,
  revocationOf,
  tally,
} from './fixtures.ts';
import { countAll, countRows, type Subject } from './subject.ts';

const causeOf = (tenantId: string) => ({
  ...{ revocationId: newId(), tenantId, cause: 'revocation.create' },
  ...{ livesSeconds: LIVES_SECONDS, reason: 'seen in a "log"' },
});

function itemOf(revocation: NewRevocation): RevocationCreation['items'][number] {
  const { tenantId, revocationId } = revocation;
  return { revocation, audit: auditOf(tenantId, revocationId, 'revocation.create') };
}

const tokenItem = (tenantId: string) =>
  itemOf(revocationOfToken({ ...causeOf(tenantId), tokenId: newId() }));

function cutOffItem(tenantId: string, bound: 'at_commit' | UnixSeconds) {
  return itemOf(cutOffOfEverything({ ...causeOf(tenantId), bound }));
}

const requestOf = (requestId = newId(), requestHash = 'hash') => ({ requestId, requestHash });

async function create({ stores }: Subject, creation: RevocationCreation) {
  const created = await stores.revocationLedger.create(creation);
  if (created.outcome !== 'created') throw new Error(created.outcome);
  return created.revocations;
}

export function testRevocationLedger(subject: () => Subject): void {
  describe('creating revocations', () => {
    test('writes each row with its event, whole, in the order of the items', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const items = [tokenItem(tenantId), cutOffItem(tenantId, unixSeconds(7))];
      const [token, everything] = await create(subject(), { tenantId, items });
      const { revocationId, subject: tokenId = '' } = items[0]?.revocation ?? {};
      expect(token).toEqual({
        ...{ revocationId, tenantId, scope: 'token', subject: tokenId },
        ...{ cause: 'revocation.create', reason: 'seen in a "log"' },
        entry: { scopeId: scopeIdOfUuid(tokenId), boundSeconds: FOR_GOOD },
        createdAtSeconds: token?.createdAtSeconds,
        effectiveAtSeconds: token?.createdAtSeconds,
        expiresAtSeconds: (token?.createdAtSeconds ?? 0) + LIVES_SECONDS,
        isAcknowledged: false,
      });
      expect(Math.abs((token?.createdAtSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(5);
      expect(everything).toMatchObject({
        ...{ scope: 'everything', entry: { scopeId: EVERYTHING, boundSeconds: 7 } },
      });
      expect(everything).not.toHaveProperty('subject');
      const read = await stores.revocationLedger.findMany(tenantId, [
        ...[token, everything].map((row) => row?.revocationId ?? ''),
        newId(),
      ]);
      expect([...read.revocations].sort(byId)).toEqual([token, everything].sort(byId));
      expect(Math.abs(read.now - Date.now() / 1000)).toBeLessThan(5);
      for (const { audit } of items) {
        const isEvent = `event_id = '${audit.eventId}' AND target_id = '${audit.targetId}'`;
        expect(await countRows(subject(), 'audit_events', isEvent)).toBe(1);
      }
    });

    test('cuts off at the time of the database, and lives so long after it', async () => {
      const tenantId = newId();
      const items = [cutOffItem(tenantId, 'at_commit')];
      const [row] = await create(subject(), { tenantId, items });
      const bound = row?.entry.boundSeconds ?? 0;
      expect(bound - (row?.createdAtSeconds ?? 0)).toBeGreaterThanOrEqual(0);
      expect(bound - (row?.createdAtSeconds ?? 0)).toBeLessThan(5);
      expect(row?.expiresAtSeconds).toBe(bound + LIVES_SECONDS);
    });

    test('takes a thousand at once', async () => {
      const tenantId = newId();
      const items = Array.from({ length: 1000 }, () => tokenItem(tenantId));
      const rows = await create(subject(), { tenantId, items, idempotency: requestOf() });
      expect(rows.map(({ revocationId }) => revocationId)).toEqual(
        items.map(({ revocation }) => revocation.revocationId),
      );
      expect(await countRows(subject(), 'audit_events', `nid = '${tenantId}'`)).toBe(1000);
    });

    test('happens once under a request id, whoever asks at the same moment', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const idempotency = requestOf();
      const creations = Array.from({ length: 12 }, () => ({
        ...{ tenantId, idempotency, items: [tokenItem(tenantId), tokenItem(tenantId)] },
      }));
      const outcomes = await Promise.all(
        creations.map((creation) => stores.revocationLedger.create(creation)),
      );
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ created: 1, replayed: 11 });
      const made = outcomes.flatMap((one) => (one.outcome === 'created' ? one.revocations : []));
      const replays = outcomes.flatMap((one) =>
        one.outcome === 'replayed' ? one.revocationId : [],
      );
      expect(new Set(replays)).toEqual(new Set([made[0]?.revocationId]));
      expect(await countRows(subject(), 'revocations', `nid = '${tenantId}'`)).toBe(2);
      expect(await countRows(subject(), 'audit_events', `nid = '${tenantId}'`)).toBe(2);
    });

    test('under a request id of another request is refused without a trace', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const idempotency = requestOf();
      await create(subject(), { tenantId, idempotency, items: [tokenItem(tenantId)] });
      const before = await countAll(subject());
      const other = requestOf(idempotency.requestId, 'other');
      const items = [tokenItem(tenantId)];
      const refused = await stores.revocationLedger.create({
        ...{ tenantId, items, idempotency: other },
      });
      expect(refused).toEqual({ outcome: 'request_id_reused' });
      expect(await countAll(subject())).toEqual(before);
    });
  });

  describe('revoking a key under a request id', () => {
    test('happens once, and is a replay from then on', async () => {
      const { stores } = subject();
      const key = newKey(newId());
      await stores.apiKeys.insert(insertion(key));
      const idempotency = requestOf();
      const outcomes = await allAtOnce(12, () =>
        stores.apiKeys.revokeOnce(revocationOf(key), idempotency),
      );
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ revoked: 1, replayed: 11 });
      const [made] = outcomes.flatMap((one) => (one.outcome === 'revoked' ? one.revocation : []));
      const [replay] = outcomes.filter(({ outcome }) => outcome === 'replayed');
      expect(replay).toEqual({ outcome: 'replayed', revocationId: made?.revocationId });
      const isOfTenant = `nid = '${key.tenantId}'`;
      expect(await countRows(subject(), 'revocations', isOfTenant)).toBe(1);
      expect((await stores.apiKeys.find(key.tenantId, key.keyId))?.key.state).toBe('revoked');
    });

    test('is refused without a trace: another request, an ended key, no key', async () => {
      const { stores } = subject();
      const key = newKey(newId());
      await stores.apiKeys.insert(insertion(key));
      const { tenantId } = key;
      const idempotency = requestOf();
      await create(subject(), { tenantId, idempotency, items: [tokenItem(tenantId)] });
      const revokeOnce = async (name: { tenantId: string; keyId: string }, request: object) => {
        const before = await countAll(subject());
        const asked = { ...requestOf(), ...request };
        const { outcome } = await stores.apiKeys.revokeOnce(revocationOf(name), asked);
        if (outcome !== 'revoked') expect(await countAll(subject())).toEqual(before);
        return outcome;
      };
      const other = requestOf(idempotency.requestId, 'other');
      expect(await revokeOnce(key, other)).toBe('request_id_reused');
      expect(await revokeOnce({ ...key, keyId: newId() }, {})).toBe('not_found');
      const request = requestOf();
      expect(await revokeOnce({ ...key, keyId: newId() }, request)).toBe('not_found');
      // What was refused has left its request id unused.
      expect(await revokeOnce(key, request)).toBe('revoked');
      expect(await revokeOnce(key, {})).toBe('already_revoked');
    });
  });

  testRevocationLists(subject);
}

function testRevocationLists(subject: () => Subject): void {
  describe('the list of revocations', () => {
    async function everyPage(query: RevocationQuery): Promise<string[]> {
      const { revocationLedger } = subject().stores;
      const ids: string[] = [];
      let after: RevocationQuery['after'];
      for (;;) {
        const page = await revocationLedger.list({
          ...query,
          ...(after === undefined ? {} : { after }),
        });
        expect(page.revocations.length).toBeLessThanOrEqual(query.pageSize);
        ids.push(...page.revocations.map(({ revocationId }) => revocationId));
        after = page.revocations.at(-1);
        if (!page.hasMore || after === undefined) return ids;
      }
    }

    test('is newest first, in pages of any size, of one tenant', async () => {
      const tenantId = newId();
      const made: Revocation[] = [];
      for (const second of [5, 3, 9, 3, 3]) {
        const [row] = await create(subject(), { tenantId, items: [tokenItem(tenantId)] });
        if (row === undefined) throw new Error('Nothing was made.');
        await subject().run(`UPDATE revocations SET created_at_s = ${second}
          WHERE revocation_id = '${row.revocationId}'`);
        made.push({ ...row, createdAtSeconds: unixSeconds(second) });
      }
      const expected = made
        .sort((a, b) => b.createdAtSeconds - a.createdAtSeconds || byId(b, a))
        .map(({ revocationId }) => revocationId);
      for (const pageSize of [1, 2, 5, 9]) {
        expect(await everyPage({ tenantId, pageSize })).toEqual(expected);
      }
      expect(await everyPage({ tenantId: newId(), pageSize: 9 })).toEqual([]);
      const [since, until] = [unixSeconds(5), unixSeconds(9)];
      expect(await everyPage({ tenantId, pageSize: 9, since })).toEqual(expected.slice(0, 2));
      expect(await everyPage({ tenantId, pageSize: 9, until })).toEqual(expected.slice(1));
      expect(await everyPage({ tenantId, pageSize: 9, since, until })).toEqual([expected[1]]);
    });

    test('is that of a target, of scopes, of a stage', async () => {
      const { run } = subject();
      const tenantId = newId();
      const items = [
        tokenItem(tenantId),
        tokenItem(tenantId),
        tokenItem(tenantId),
        cutOffItem(tenantId, unixSeconds(1)),
      ];
      const rows = await create(subject(), { tenantId, items });
      const [live, published, ended, waiting] = rows.map(({ revocationId }) => revocationId);
      const set = (id: string | undefined, columns: string) =>
        run(`UPDATE revocations SET ${columns} WHERE revocation_id = '${id}'`);
      await set(published, 'published_seq = 9, acknowledged = 1');
      await set(ended, 'expires_at_s = 1, effective_at_s = 1, published_seq = 8');
      await set(waiting, 'effective_at_s = 9999999998, expires_at_s = 9999999999');
      const some = async (change: Partial<RevocationQuery>) =>
        (await everyPage({ tenantId, pageSize: 2, ...change })).sort();
      const of = (...ids: ReadonlyArray<string | undefined>) => [...ids].sort();
      expect(await some({})).toEqual(of(live, published, ended, waiting));
      expect(await some({ scope: 'everything' })).toEqual([waiting]);
      expect(await some({ scope: 'token' })).toEqual(of(live, published, ended));
      expect(await some({ scope: 'actor' })).toEqual([]);
      const scopeIds = [rows[0], rows[2]].flatMap((row) => row?.entry.scopeId ?? []);
      expect(scopeIds.map(formatScopeId)).toHaveLength(2);
      expect(await some({ scopeIds })).toEqual(of(live, ended));
      expect(await some({ scopeIds: [] })).toEqual([]);
      expect(await some({ stage: 'unpublished' })).toEqual([live]);
      expect(await some({ stage: 'unpublished', isAcknowledged: false })).toEqual([live]);
      expect(await some({ stage: 'unpublished', isAcknowledged: true })).toEqual([]);
      expect(await some({ stage: 'published' })).toEqual([published]);
      expect(await some({ stage: 'ended' })).toEqual([ended]);
      expect(await some({ stage: 'waiting' })).toEqual([waiting]);
      const { revocationLedger } = subject().stores;
      const read = await revocationLedger.findMany(tenantId, [published ?? '']);
      expect(read.revocations[0]).toMatchObject({ publishedSeq: 9, isAcknowledged: true });
    });
  });
}

function byId(
  one: Pick<Revocation, 'revocationId'> | undefined,
  other: Pick<Revocation, 'revocationId'> | undefined,
): number {
  return (one?.revocationId ?? '') < (other?.revocationId ?? '') ? -1 : 1;
}
