/** The contract of `EdgeStore`. */

import { describe, expect, test } from 'vitest';
import type { EdgeLimits, NewEdge } from '../../src/edges/store.ts';
import { allAtOnce, auditOf, newId, tally } from './fixtures.ts';
import { countAll, type Subject } from './subject.ts';

export function testEdges(subject: () => Subject): void {
  const auditFor = (edgeId: string) => auditOf(newId(), edgeId, 'edge.create');
  const newEdge = (change: Partial<NewEdge> = {}): NewEdge => ({
    ...{ edgeId: newId(), name: newId(), tenantIds: [newId(), newId()], audiences: ['a'] },
    ...change,
  });
  const insert = (edge: NewEdge, { pairsMax }: EdgeLimits = { pairsMax: 10_000 }) =>
    subject().stores.edges.insert(edge, { pairsMax, audit: auditFor(edge.edgeId) });

  async function inserted(change: Partial<NewEdge> = {}) {
    const outcome = await insert(newEdge(change));
    if (outcome.outcome !== 'inserted') throw new Error(outcome.outcome);
    return outcome.edge;
  }
  const rotate = (edgeId: string, overlapSeconds = 60) =>
    subject().stores.edges.rotate({ edgeId, overlapSeconds, audit: auditFor(edgeId) });
  const revoke = (edgeId: string) =>
    subject().stores.edges.revoke({ edgeId, audit: auditFor(edgeId) });
  const livePairs = async () => {
    const { edges } = await subject().stores.edges.list();
    const live = edges.filter(({ revokeTime }) => revokeTime === undefined);
    return live.reduce((sum, edge) => sum + edge.tenantIds.length * edge.audiences.length, 0);
  };

  describe('an edge', () => {
    test('is found and listed as it was registered', async () => {
      const wanted = newEdge({ audiences: ['https://a"\\.example', 'b'] });
      const outcome = await insert(wanted);
      if (outcome.outcome !== 'inserted') throw new Error(outcome.outcome);
      const { createTime } = outcome.edge;
      const edge = { ...wanted, generation: 1, createTime, updateTime: createTime };
      expect(outcome.edge).toEqual(edge);
      const { edges, audit } = subject().stores;
      expect(await edges.find(wanted.edgeId)).toEqual(edge);
      expect(await edges.find(newId())).toBeUndefined();
      const listed = await edges.list();
      expect(listed.edges).toContainEqual(edge);
      const names = listed.edges.map(({ name }) => name);
      expect(names).toEqual([...names].sort());
      expect(Math.abs(listed.now - createTime)).toBeLessThan(10_000);
      const { events } = await audit.list({ targetId: wanted.edgeId, pageSize: 9 });
      expect(events).toHaveLength(1);
    });

    test('has a name that no other has or had, whoever comes first', async () => {
      const { edgeId, name } = await inserted();
      await revoke(edgeId);
      const before = await countAll(subject());
      expect(await insert(newEdge({ name }))).toEqual({ outcome: 'name_taken' });
      expect(await countAll(subject())).toEqual(before);
      const twice = newId();
      const outcomes = await allAtOnce(6, () => insert(newEdge({ name: twice })));
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ inserted: 1, name_taken: 5 });
    });

    test('is one too many when all together would get more keys than there may be', async () => {
      const pairsMax = (await livePairs()) + 6;
      const large = { tenantIds: [newId(), newId()], audiences: ['a', 'b'] };
      const before = await countAll(subject());
      const tooLarge = newEdge({ ...large, audiences: ['a', 'b', 'c', 'd'] });
      expect(await insert(tooLarge, { pairsMax })).toEqual({ outcome: 'too_many' });
      expect(await countAll(subject())).toEqual(before);
      const outcomes = await allAtOnce(6, () => insert(newEdge(large), { pairsMax }));
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ inserted: 1, too_many: 5 });
      for (const outcome of outcomes) {
        if (outcome.outcome === 'inserted') await revoke(outcome.edge.edgeId);
      }
      expect((await insert(newEdge(large), { pairsMax })).outcome).toBe('inserted');
    });
  });

  describe('rotating an edge', () => {
    test('counts on and lets the secret before overlap, once at a time', async () => {
      const { edgeId } = await inserted();
      const outcomes = await allAtOnce(8, () => rotate(edgeId));
      const [first] = outcomes.filter(({ outcome }) => outcome === 'rotated');
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({
        ...{ rotated: 1, overlap_lasts: 7 },
      });
      const edge = await subject().stores.edges.find(edgeId);
      expect(first).toEqual({ outcome: 'rotated', edge });
      const { generation, overlapEnd = 0, updateTime = 0 } = edge ?? {};
      expect(generation).toBe(2);
      expect(Math.abs(overlapEnd - updateTime - 60_000)).toBeLessThan(1000);
      await subject().run(`UPDATE edges SET overlap_end_ms = 1 WHERE edge_id = '${edgeId}'`);
      expect((await rotate(edgeId, 0)).outcome).toBe('rotated');
      expect((await subject().stores.edges.find(edgeId))?.generation).toBe(3);
    });

    test('of one that is revoked or unknown is refused without a trace', async () => {
      const { edgeId } = await inserted();
      await revoke(edgeId);
      const before = await countAll(subject());
      expect(await rotate(edgeId)).toEqual({ outcome: 'revoked' });
      expect(await rotate(newId())).toEqual({ outcome: 'not_found' });
      expect(await countAll(subject())).toEqual(before);
    });
  });

  test('revoking an edge ends it now, and once', async () => {
    const { edgeId } = await inserted();
    expect(tally(await allAtOnce(8, () => revoke(edgeId)))).toEqual({
      ...{ revoked: 1, already_revoked: 7 },
    });
    const { revokeTime, updateTime } = (await subject().stores.edges.find(edgeId)) ?? {};
    expect(revokeTime).toBe(updateTime);
    expect(revokeTime).toBeDefined();
    const before = await countAll(subject());
    expect(await revoke(newId())).toBe('not_found');
    expect(await countAll(subject())).toEqual(before);
  });
}
