/**
 * How much memory the publisher on Node takes above idle while a million live revocations get into the feed,
 * and how long that takes: on a real PostgreSQL, over REST to a server that only counts.
 *
 *   node test/bench/publisher-memory.ts [number of entries]
 *
 * The publisher runs in a process of its own (`--publisher`), so that nothing else is measured.
 */

import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { parseNodeConfig } from '@cardea/control-plane/config.node';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { createPublishing } from '@cardea/control-plane/node/publishing';
import { createNodeStores } from '@cardea/control-plane/node/stores';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { makeNodeSecrets } from '../e2e/harness/node-control-plane.ts';
import { createDatabase, startPostgresServer } from '../stores/postgres-server.ts';

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const ROWS_A_STATEMENT = 50_000;
const NAMESPACE_ID = '0123456789abcdef0123456789abcdef';
const TOKEN = 'kv-token-of-the-bench';
/** Everything arrives, and is merged. */
const SETTLE_MILLISECONDS = 150_000;
const MEGABYTE = 1024 * 1024;

interface HeadSeen {
  readonly segments: ReadonlyArray<{ readonly hash: string; readonly count: number }>;
  readonly tailEntries: number;
  readonly bytes: number;
}

/** Answers as Cloudflare's API does and keeps sizes alone, and the head. */
async function startSink() {
  const sizes = new Map<string, number>();
  const seen: { head?: HeadSeen; calls: string[] } = { calls: [] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'GET') return response.writeHead(404).end('{}');
      const pairs = JSON.parse(Buffer.concat(chunks).toString());
      for (const { key, value, base64 } of pairs) {
        sizes.set(key, base64 === true ? Buffer.from(value, 'base64').length : value.length);
        seen.calls.push(key);
        if (key === HEAD_OBJECT) seen.head = readHead(value);
      }
      return response.end('{"success":true,"errors":[],"result":{"unsuccessful_keys":[]}}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, sizes, seen, close: () => server.close() };
}

function readHead(compactJws: string): HeadSeen {
  const payload = JSON.parse(Buffer.from(compactJws.split('.')[1] ?? '', 'base64url').toString());
  const tailEntries = Buffer.from(payload.tail, 'base64url').length / 12;
  return { segments: payload.segments, tailEntries, bytes: compactJws.length };
}

/** Ends over the whole of a day: every bucket has its part. */
async function fill(url: string): Promise<void> {
  const { sql, close } = connectPostgres(url, {
    connectionsMax: 1,
    statementTimeoutMilliseconds: 0,
  });
  // Made afterwards: that is several times faster.
  const indexes = await sql`SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'revocations' AND indexname <> 'revocations_pkey'`;
  for (const { indexname } of indexes) await sql.unsafe(`DROP INDEX ${indexname}`);
  for (let from = 1; from <= ENTRIES; from += ROWS_A_STATEMENT) {
    const to = Math.min(ENTRIES, from + ROWS_A_STATEMENT - 1);
    await sql`INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
        created_at_s, effective_at_s, expires_at_s)
      SELECT gen_random_uuid(), 'n', 'token', encode(substr(sha256(n::text::bytea), 1, 8), 'hex'),
        4294967295, 'bench', extract(epoch FROM now())::bigint, 1,
        extract(epoch FROM now())::bigint + 600 + (n % 85000)
      FROM generate_series(${from}::bigint, ${to}::bigint) AS n`;
  }
  for (const { indexdef } of indexes) await sql.unsafe(indexdef);
  await sql`ANALYZE revocations`;
  await close();
}

async function main(): Promise<void> {
  const postgres = await startPostgresServer();
  const sink = await startSink();
  try {
    const url = await createDatabase(postgres.url);
    const { db, close } = connectPostgres(url, { connectionsMax: 1 });
    await migrateUp(db, readMigrations());
    await close();
    await fill(url);
    const env = {
      ...{ DATABASE_URL: url, FEED_HARD_SECONDS: '120', KV_API_URL: sink.url },
      ...{ KV_API_TOKEN: TOKEN, KV_NAMESPACE_ID: NAMESPACE_ID, ...makeNodeSecrets().env },
    };
    const child = fork(import.meta.filename, ['--publisher'], {
      env: { ...env, PATH: process.env.PATH },
      execArgv: ['--expose-gc'],
    });
    const reports: Array<Record<string, number>> = [];
    child.on('message', (report) => void reports.push(report as Record<string, number>));
    const startedAt = performance.now();
    const isComplete = () => {
      const { segments = [], tailEntries = 0 } = sink.seen.head ?? {};
      return segments.reduce((sum, { count }) => sum + count, tailEntries) >= ENTRIES * 0.999;
    };
    while (!isComplete() && performance.now() - startedAt < 700_000) await pause(100);
    const seconds = (performance.now() - startedAt) / 1000;
    await pause(SETTLE_MILLISECONDS);
    const { length } = sink.seen.calls;
    child.send('stop');
    await new Promise((resolve) => child.on('exit', resolve));
    const named = sink.seen.head?.segments ?? [];
    const feedBytes = named.reduce(
      (sum, { hash }) => sum + (sink.sizes.get(`v1/segment/${hash}`) ?? 0),
      sink.seen.head?.bytes ?? 0,
    );
    const written = [...sink.sizes].filter(([key]) => key.startsWith('v1/segment/'));
    console.log(
      JSON.stringify({
        entries: ENTRIES,
        firstCompleteHeadSeconds: Math.round(seconds),
        segments: named.length,
        tailEntries: sink.seen.head?.tailEntries,
        headBytes: sink.seen.head?.bytes,
        feedMegabytes: feedBytes / 1e6,
        objectsWritten: written.length,
        objectMegabytesWritten: written.reduce((sum, [, size]) => sum + size, 0) / 1e6,
        calls: length,
        memory: reports.at(-1),
      }),
    );
  } finally {
    sink.close();
    await postgres.dispose();
  }
}

/** The child: idle first, then a publisher, with its memory looked at every 20 ms. */
async function publish(): Promise<void> {
  const config = parseNodeConfig(process.env);
  const connection = connectPostgres(process.env.DATABASE_URL ?? '', { connectionsMax: 4 });
  const { db, sql, close } = connection;
  const log = () => {};
  const means = await createNodeStores(config, db);
  const database = { db, sql, close };
  const publisher = await createPublishing({ config, database, means, log });
  await db.execute('SELECT 1');
  await pause(500);
  global.gc?.();
  const idle = process.memoryUsage();
  const peak = { rss: 0, heapUsed: 0, external: 0, arrayBuffers: 0, live: 0 };
  const look = () => {
    const now = process.memoryUsage();
    for (const name of ['rss', 'heapUsed', 'external', 'arrayBuffers'] as const) {
      peak[name] = Math.max(peak[name], now[name]);
    }
    peak.live = Math.max(peak.live, now.heapUsed + now.external);
  };
  const sampling = setInterval(look, 20);
  publisher.start();
  const megabytes = (bytes: number) => Math.round((bytes / MEGABYTE) * 10) / 10;
  const report = () => ({
    idleRss: megabytes(idle.rss),
    rssAboveIdle: megabytes(peak.rss - idle.rss),
    heapAndExternalAboveIdle: megabytes(peak.live - idle.heapUsed - idle.external),
  });
  await new Promise((resolve) => process.once('message', resolve));
  clearInterval(sampling);
  process.send?.(report());
  await publisher.stop();
  await close();
  process.exit(0);
}

await (process.argv.includes('--publisher') ? publish() : main());
