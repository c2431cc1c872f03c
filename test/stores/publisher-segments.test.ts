/**
 * Guarantee: on PostgreSQL and PGlite a revocation row is in the tail or in a segment, whatever commits
 * meanwhile, and a moment with the segments that it tells of is the full live set.
 */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { openPglite } from '@cardea/control-plane/database/pglite';
import type { PostgresDatabase } from '@cardea/control-plane/database/postgres';
import { createPublisherStorage } from '@cardea/control-plane/database/publisher-storage.pg';
import { createRevocationStore } from '@cardea/control-plane/database/revocation-store.pg';
import { SEGMENT_KEPT_MILLISECONDS } from '@cardea/control-plane/publication/publisher-storage';
import type { SegmentRules } from '@cardea/control-plane/publication/segments/plan-segments';
import {
  entriesOf,
  mergeContents,
} from '@cardea/control-plane/publication/segments/segment-content';
import { tendSegments } from '@cardea/control-plane/publication/segments/tend-segments';
import { FOR_GOOD, type RevocationEntry } from '@cardea/shared/feed/entry';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPostgres, rowsOf } from './databases.ts';

const OPEN = {
  PostgreSQL: openPostgres,
  PGlite: async () => {
    const pglite = await openPglite();
    await migrateUp(pglite.db, readMigrations());
    return pglite;
  },
};

const TERM = 7n;
const LIMITS = { tailAim: 4, tailMax: 40, flushMax: 10, segmentMax: 100 };
const now = () => Math.floor(Date.now() / 1000);

describe.each(['PostgreSQL', 'PGlite'] as const)('on %s', (name) => {
  let db: PostgresDatabase;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ db, close } = await OPEN[name]());
  });
  afterAll(() => close());
  beforeEach(async () => {
    await rowsOf(db, 'TRUNCATE revocations, feed_segments, publisher');
    await createPublisherStorage({ db, term: TERM }).recovered(0);
  });

  const storage = () => createPublisherStorage({ db, term: TERM });

  interface Rows {
    readonly count?: number;
    readonly from?: number;
    readonly bound?: number;
    readonly scope?: string;
    readonly effectiveAt?: number;
    readonly expiresAt?: number;
  }

  /** Commits rows for the scopes `from` and up. */
  const commit = ({ count = 1, from = 1, bound = FOR_GOOD, scope = 'token', ...times }: Rows) => {
    const { effectiveAt = now() - 10, expiresAt = now() + 3600 } = times;
    return rowsOf(
      db,
      `INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
         effective_at_s, expires_at_s)
       SELECT gen_random_uuid(), 'n', '${scope}', lpad(to_hex(n), 16, '0'), ${bound}, 'test',
         ${now()}, ${effectiveAt}, ${expiresAt} FROM generate_series(${from}, ${from + count - 1}) AS n`,
    );
  };

  const rules = (changes: Partial<SegmentRules> = {}): SegmentRules => ({
    ...{ stamp: unixMilliseconds(Date.now()), clockSkewSeconds: 60, arrivalMilliseconds: 0 },
    ...{ limits: LIMITS, bucketSeconds: 10_000, ...changes },
  });

  /** All that a moment and its segments have, by scope. */
  const liveSet = async () => {
    const moment = await storage().takeMoment(unixMilliseconds(Date.now()), 60);
    const bounds = new Map<string, number>();
    const take = (entries: readonly RevocationEntry[]) => {
      for (const { scopeId, boundSeconds } of entries) {
        const key = formatScopeId(scopeId);
        bounds.set(key, Math.max(boundSeconds, bounds.get(key) ?? 0));
      }
    };
    const tail = entriesOf(moment.tail);
    take(tail);
    for (const { entryCount, hash } of moment.segments) {
      const content = (await storage().segments.content(hash)) ?? new Uint8Array(1);
      expect(await objectHash(content)).toBe(hash);
      expect(entriesOf(content)).toHaveLength(entryCount);
      take(entriesOf(content));
    }
    return { ...moment, tail, bounds };
  };

  test('a flush moves what ends first, once for each scope under its highest bound', async () => {
    await commit({ count: 8, bound: 5, expiresAt: now() + 7000 });
    await commit({ count: 4, from: 3, bound: 0x80000000, expiresAt: now() + 3000 });
    await commit({ count: 4, from: 3, bound: 9, expiresAt: now() + 3000 });
    const bucketSeconds = 1_000_000_000;
    const flush = { bucket: Math.floor(now() / bucketSeconds), bucketSeconds, entriesMax: 8 };
    await storage().segments.flush({ ...flush, expiresAtSecondsMin: now() });
    const { tail, segments, bounds } = await liveSet();
    expect(tail).toHaveLength(8);
    expect(segments.map(({ entryCount }) => entryCount)).toEqual([4]);
    expect(segments[0]?.expiresAtSeconds).toBeLessThanOrEqual(now() + 3000);
    expect([...bounds.values()].sort()).toEqual([
      2147483648, 2147483648, 2147483648, 2147483648, 5, 5, 5, 5,
    ]);
    await storage().segments.flush({ ...flush, expiresAtSecondsMin: now() + 8000 });
    expect((await liveSet()).segments).toHaveLength(1); // Nothing to flush: nothing was made.
  });

  test('contents of more than one portion are read as they were made, and merged', async () => {
    await commit({ count: 7000, bound: 0x80000000 });
    await commit({ from: 6990, count: 4000, bound: 9 });
    await commit({ from: 3, count: 1, bound: FOR_GOOD });
    const bucketSeconds = 1_000_000_000;
    const flush = { bucket: Math.floor(now() / bucketSeconds), bucketSeconds, entriesMax: 7001 };
    const expiresAtSecondsMin = now();
    while ((await storage().segments.flush({ ...flush, expiresAtSecondsMin })) > 0);
    const { segments: sources, bounds } = await liveSet();
    expect(sources.length).toBeGreaterThan(1);
    const [{ expiresAtSeconds } = { expiresAtSeconds: unixSeconds(0) }] = sources;
    await storage().segments.merge({ sources, expiresAtSeconds, bucket: flush.bucket });
    const merged = (await storage().segments.present()).at(-1);
    expect(merged).toMatchObject({ entryCount: bounds.size, expiresAtSeconds });
    const content = (await storage().segments.content(merged?.hash ?? '')) ?? new Uint8Array(1);
    expect(await objectHash(content)).toBe(merged?.hash);
    const contents = await Promise.all(sources.map(({ hash }) => storage().segments.content(hash)));
    expect(content).toEqual(mergeContents(contents.map((source) => source ?? new Uint8Array(1))));
    const present = await storage().segments.present();
    expect(present.map(({ mergedInto }) => mergedInto)).toEqual([
      ...sources.map(() => merged?.segmentId),
      undefined,
    ]);
  });

  test.each([
    ['is not there', 'UPDATE feed_segments SET content = NULL WHERE segment_id = '],
    ['is not what it was', `UPDATE feed_segments SET content = '\\x00' WHERE segment_id = `],
    ['has no row', 'DELETE FROM feed_segments WHERE segment_id = '],
  ])('nothing is merged when a content %s', async (_, breaking) => {
    const flush = { bucket: 0, bucketSeconds: 10_000_000_000, entriesMax: 5 };
    for (const from of [1, 11]) {
      await commit({ from, count: 5 });
      await storage().segments.flush({ ...flush, expiresAtSecondsMin: now() });
    }
    const sources = await storage().segments.present();
    expect(sources).toHaveLength(2);
    await rowsOf(db, `${breaking} ${sources[0]?.segmentId}`);
    const before = await storage().segments.present();
    const merge = { sources, expiresAtSeconds: unixSeconds(now()), bucket: 0 };
    await expect(storage().segments.merge(merge)).rejects.toBeInstanceOf(TypeError);
    expect(await storage().segments.present()).toEqual(before);
  });

  test.each<[string, Rows]>([
    ['a signing key', { scope: 'signing_key' }],
    ['everything', { from: 0, scope: 'everything' }],
    ['what is not in effect yet', { effectiveAt: now() + 1000 }],
    ['what is over', { expiresAt: now() - 61 }],
  ])('a flush leaves in the tail: %s', async (_, row) => {
    await commit(row);
    await commit({ from: 50, count: 6 });
    await tendSegments(storage().segments, rules());
    const left = await rowsOf(db, 'SELECT scope_id FROM revocations WHERE segment_id IS NULL');
    expect(left).toEqual([{ scope_id: (row.from ?? 1).toString(16).padStart(16, '0') }]);
    const isTold = row.effectiveAt === undefined && row.expiresAt === undefined;
    expect((await liveSet()).bounds.size).toBe(isTold ? 7 : 6);
  });

  test('many rows become few segments in bounded steps, and all of them stay in the live set', async () => {
    await commit({ count: 95 });
    await tendSegments(storage().segments, rules());
    expect((await liveSet()).bounds.size).toBe(95);
    for (let rounds = 0; rounds < 12; rounds++) {
      await commit({ from: 1000 + rounds * 5, count: 5 });
      await tendSegments(storage().segments, rules());
      expect((await liveSet()).bounds.size).toBe(95 + (rounds + 1) * 5);
    }
    const { segments, tail } = await liveSet();
    expect(segments.filter(({ mergedInto }) => mergedInto === undefined).length).toBeLessThan(8);
    expect(tail.length).toBeLessThan(5);
    const pages = await rowsOf(
      db,
      'SELECT count(*) AS n FROM revocations WHERE segment_id IS NULL',
    );
    expect(Number(pages[0]?.n)).toBe(tail.length);
  });

  test('superseded segments are served for an hour', async () => {
    await commit({ count: 5 });
    await tendSegments(storage().segments, rules());
    const [segment] = await storage().segments.present();
    const { hash = '', segmentId = 0 } = segment ?? {};
    const at = Date.now();
    await storage().segments.drop([segmentId], unixMilliseconds(at));
    expect(await storage().segments.present()).toEqual([]);
    expect(await storage().segments.content(hash)).toBeDefined();
    await storage().segments.drop([], unixMilliseconds(at + SEGMENT_KEPT_MILLISECONDS + 1));
    expect(await storage().segments.content(hash)).toBeUndefined();
    expect(await storage().segments.content('f'.repeat(64))).toBeUndefined();
  });

  test('objects that KV has lost are written again', async () => {
    await commit({ count: 5 });
    await tendSegments(storage().segments, rules());
    const [segment] = await storage().segments.present();
    await storage().segments.written(segment?.hash ?? '', unixMilliseconds(5));
    await storage().segments.written(segment?.hash ?? '', unixMilliseconds(9));
    expect(await storage().segments.present()).toMatchObject([{ writtenAt: 5 }]);
    await storage().objectsLost();
    expect((await storage().segments.present())[0]).not.toHaveProperty('writtenAt');
  });

  test('only the process of the term makes segments', async () => {
    await commit({ count: 5 });
    const other = createPublisherStorage({ db, term: 8n }).segments;
    await expect(tendSegments(other, rules())).rejects.toMatchObject({ name: 'NotConfirmed' });
    expect(await storage().segments.present()).toEqual([]);
    await tendSegments(storage().segments, rules());
    expect(await storage().segments.present()).toHaveLength(1);
  });

  test('a head is noted as written only where its number was taken', async () => {
    const { seq } = await storage().takeMoment(unixMilliseconds(Date.now()), 60);
    const written = { seq, keysetHash: '0'.repeat(64), change: 0, at: unixMilliseconds(1) };
    await rowsOf(db, 'UPDATE publisher SET seq = seq - 1'); // Restored to an older state, of the same term.
    await expect(storage().headWritten(written)).rejects.toMatchObject({ name: 'NotConfirmed' });
    expect((await storage().memory()).publishedSeq).toBeUndefined();
    await rowsOf(db, 'UPDATE publisher SET seq = seq + 1');
    await storage().headWritten(written);
    expect((await storage().memory()).publishedSeq).toBe(seq);
  });

  test('rows are told of the first written head that contains them', async () => {
    const store = createRevocationStore(db);
    await commit({ count: 3 });
    await commit({ from: 10, effectiveAt: now() + 1000 });
    const wanted = { count: 10, acknowledgedOnly: false };
    const ids = await store.unpublished(wanted);
    expect(ids).toHaveLength(3);
    expect(await store.unpublished({ ...wanted, count: 2 })).toHaveLength(2);
    expect(await store.unpublished({ ...wanted, acknowledgedOnly: true })).toEqual([]);
    await store.markAcknowledged(ids.slice(0, 1));
    expect(await store.unpublished({ ...wanted, acknowledgedOnly: true })).toEqual(ids.slice(0, 1));
    await store.markPublished(ids, 5);
    await store.markPublished(ids, 6);
    expect(await store.unpublished(wanted)).toEqual([]);
    const seqs = await rowsOf(db, 'SELECT published_seq FROM revocations ORDER BY scope_id');
    expect(seqs.map((row) => Number(row.published_seq))).toEqual([5, 5, 5, 0]);
  });
});

test('rows that are committed while segments are made are in the tail or in a segment', async () => {
  const { db, sql, close } = await openPostgres();
  await createPublisherStorage({ db, term: TERM }).recovered(0);
  const storage = createPublisherStorage({ db, term: TERM });
  let committed = 0;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; n < 60; n++) {
      const scopeId = (writer * 1000 + n + 1).toString(16).padStart(16, '0');
      // Open for a while: what commits late has an early time.
      await sql.begin(async (tx) => {
        await tx`INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
          created_at_s, effective_at_s, expires_at_s) VALUES (gen_random_uuid(), 'n', 'token', ${scopeId},
          ${FOR_GOOD}, 'test', ${now()}, 1, ${now() + 3600})`;
        await new Promise((resolve) => setTimeout(resolve, (n * 7) % 20));
      });
      committed++;
    }
  });
  const all = Promise.all(writers);
  let isRunning = true;
  void all.then(() => {
    isRunning = false;
  });
  const seen = async () => {
    const before = committed;
    const moment = await storage.takeMoment(unixMilliseconds(Date.now()), 60);
    const scopes = new Set(entriesOf(moment.tail).map(({ scopeId }) => formatScopeId(scopeId)));
    for (const { hash } of moment.segments) {
      const content = (await storage.segments.content(hash)) ?? new Uint8Array(1);
      for (const { scopeId } of entriesOf(content)) scopes.add(formatScopeId(scopeId));
    }
    expect(scopes.size).toBeGreaterThanOrEqual(before);
    return scopes.size;
  };
  while (isRunning) {
    const stamp = unixMilliseconds(Date.now());
    const arrivalMilliseconds = 0;
    const given = { stamp, arrivalMilliseconds, clockSkewSeconds: 60, bucketSeconds: 10_000 };
    await tendSegments(storage.segments, { ...given, limits: LIMITS });
    await seen();
  }
  await all;
  expect(await seen()).toBe(240);
  expect((await storage.segments.present()).length).toBeGreaterThan(1);
  await close();
});
