/**
 * How much memory the publisher on Node takes above idle while a million live revocations get into the feed,
 * and how long that takes: on a real PostgreSQL, over REST to a server that only counts.
 *
 *   node test/bench/publisher-memory.ts [number of entries] [flags of Node for the publisher]
 *
 * With its defaults Node collects only when some 60 MB of new objects are there: most of what the process
 * grows by is garbage. `--max-semi-space-size=8` lets it collect sooner.
 *
 * The publisher runs in a process of its own (`--publisher`), so that nothing else is measured.
 */

import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, PerformanceObserver } from 'node:perf_hooks';
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
/** When a million should long be there. */
const SECONDS_MAX = 600;
const TOLD_MILLISECONDS = 10_000;

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
      execArgv: ['--expose-gc', ...process.argv.slice(3)],
    });
    const reports: Array<Record<string, number>> = [];
    child.on('message', (report) => void reports.push(report as Record<string, number>));
    const startedAt = performance.now();
    const seconds = () => Math.round((performance.now() - startedAt) / 1000);
    const entriesInHead = () => {
      const { segments = [], tailEntries = 0 } = sink.seen.head ?? {};
      return segments.reduce((sum, { count }) => sum + count, tailEntries);
    };
    const telling = setInterval(() => {
      const { length } = sink.seen.calls;
      console.error(`${seconds()} s: ${entriesInHead()} entries in the head, ${length} writes`);
    }, TOLD_MILLISECONDS);
    while (entriesInHead() < ENTRIES * 0.999 && seconds() < SECONDS_MAX) await pause(100);
    const firstCompleteHeadSeconds = seconds();
    child.send('look');
    await pause(SETTLE_MILLISECONDS);
    clearInterval(telling);
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
        firstCompleteHeadSeconds,
        segments: named.length,
        tailEntries: sink.seen.head?.tailEntries,
        headBytes: sink.seen.head?.bytes,
        feedMegabytes: feedBytes / 1e6,
        objectsWritten: written.length,
        objectMegabytesWritten: written.reduce((sum, [, size]) => sum + size, 0) / 1e6,
        calls: length,
        memoryAtFirstHead: reports[0],
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
  const memory = watchMemory();
  publisher.start();
  // Asked by the parent: `look` when the first complete head is there, `stop` at the end.
  await new Promise<void>((resolve) => {
    process.on('message', (message) => {
      process.send?.(memory.report());
      if (message === 'stop') resolve();
    });
  });
  memory.end();
  await publisher.stop();
  await close();
  process.exit(0);
}

/**
 * What the process has above idle. `rss`: the most of it that was resident. `live`: the most of heap and
 * buffers that was left right after a full collection, of those that V8 made when it saw fit.
 */
function watchMemory() {
  for (let collections = 0; collections < 3; collections++) global.gc?.();
  const sizes = () => {
    const { external, heapUsed, rss } = process.memoryUsage();
    return { rss, live: heapUsed + external };
  };
  const idle = sizes();
  const peak = { rss: idle.rss, live: idle.live, used: idle.live };
  let collections = 0;
  const sampling = setInterval(() => {
    const { live, rss } = sizes();
    peak.rss = Math.max(peak.rss, rss);
    peak.used = Math.max(peak.used, live);
  }, 20);
  const collected = new PerformanceObserver((list) => {
    const isFull = (entry: PerformanceEntry) =>
      Reflect.get(Object(Reflect.get(entry, 'detail')), 'kind') ===
      constants.NODE_PERFORMANCE_GC_MAJOR;
    if (!list.getEntries().some(isFull)) return;
    collections++;
    peak.live = Math.max(peak.live, sizes().live);
  });
  collected.observe({ entryTypes: ['gc'] });
  const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
  return {
    report: () => ({
      idleRss: megabytes(idle.rss),
      idleLive: megabytes(idle.live),
      rssAboveIdle: megabytes(peak.rss - idle.rss),
      liveAboveIdle: megabytes(peak.live - idle.live),
      withGarbageAboveIdle: megabytes(peak.used - idle.live),
      fullCollections: collections,
    }),
    end() {
      clearInterval(sampling);
      collected.disconnect();
    },
  };
}

await (process.argv.includes('--publisher') ? publish() : main());
