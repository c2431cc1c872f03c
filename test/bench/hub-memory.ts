/**
 * How much memory the hub takes while a million live revocations of D1 get into the feed of a Durable Object
 * that knows none of them, and how long that takes: the shipped classes in a workerd of their own, D1, KV and
 * the hub's SQLite on disk.
 *
 *   node test/bench/hub-memory.ts [number of entries] [megabytes of heap]
 *
 * workerd sets no limit by itself, and V8 without one collects late: so the heap of every isolate of the process
 * is limited here, below the 128 MB of a Durable Object, and a hub that needs more ends the process. `heap` is
 * JavaScript's heap and buffers of the hub's isolate with what is not collected yet, by the inspector, between
 * two of its tasks. `resident` is the growth of the whole process, in which D1 and KV run as well: an upper
 * bound of everything.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import type { V4MiniflareOptions } from 'miniflare';
import { makeNodeSecrets } from '../e2e/harness/node-control-plane.ts';
import { openIsolateHeap } from './isolate-heap.ts';
import { memoryMb } from './process-figures.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
/** Leaves 32 MB to buffers, of which the hub holds a few of 2 MB. */
const HEAP_MEGABYTES = Number(process.argv[3] ?? 96);
const ROWS_A_STATEMENT = 50_000;
const SECONDS_MAX = 400;
/** Segments arrive (120 s, as shipped), and are merged. */
const SETTLE_SECONDS = 150;
const SAMPLE_MILLISECONDS = 100;
const MIGRATIONS = fileURLToPath(new URL('../../control-plane/migrations/d1', import.meta.url));
const WORKER = 'control-plane';

const folder = mkdtempSync(join(tmpdir(), 'cardea-hub-'));

/** The database is filled by a process that ends: its memory is not measured. */
async function fill(): Promise<void> {
  const { miniflare, stop } = await startWorkerd(
    {
      ...{ modules: true, script: 'export default {}', d1Databases: { DB: 'cardea' } },
    },
    folder,
  );
  const database = await miniflare.getD1Database('DB');
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    const statements = readFileSync(join(MIGRATIONS, file), 'utf8');
    for (const statement of statements.split('--> statement-breakpoint')) {
      await database.prepare(statement).run();
    }
  }
  // Made afterwards: that is several times faster.
  const { results: indexes } = await database
    .prepare(
      `SELECT name, sql FROM sqlite_master
       WHERE tbl_name = 'revocations' AND sql LIKE 'CREATE INDEX%'`,
    )
    .all<{ name: string; sql: string }>();
  for (const { name } of indexes) await database.prepare(`DROP INDEX ${name}`).run();
  for (let from = 1; from <= ENTRIES; from += ROWS_A_STATEMENT) {
    const to = Math.min(ENTRIES, from + ROWS_A_STATEMENT - 1);
    // Ends over the whole of a day: every bucket has its part.
    await database
      .prepare(`WITH RECURSIVE numbers (n) AS
          (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
        INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
          created_at_s, effective_at_s, expires_at_s, acknowledged)
        SELECT lower(hex(randomblob(16))), 'n', 'token', lower(hex(randomblob(8))), 4294967295,
          'bench', unixepoch(), 1, unixepoch() + 3600 + n % 82000, 1 FROM numbers`)
      .bind(from, to)
      .run();
  }
  for (const { sql } of indexes) await database.prepare(sql).run();
  await stop();
}

interface Publisher {
  readonly recovered: number;
  readonly published_seq: number | null;
  readonly failures: number;
}

interface Status {
  readonly publishedSeq: number | null;
  readonly entryCount: number;
  readonly failures: number;
  readonly lastError: string | null;
}

async function main(): Promise<void> {
  const filledFrom = performance.now();
  await fill();
  const fillSeconds = (performance.now() - filledFrom) / 1000;
  process.env.MINIFLARE_WORKERD_V8_FLAGS = `--max-heap-size=${HEAP_MEGABYTES}`;
  const [inspectorPort = 0] = await findFreePorts(1);
  const workerd = await startWorkerd(await hubOptions(inspectorPort), folder);
  try {
    await fetch(workerd.url);
    const heap = await openIsolateHeap(inspectorPort, WORKER);
    const pid = childPid();
    const idle = { heap: await heap.live(), resident: memoryMb(pid).resident };
    const peak = { heap: 0, resident: 0 };
    const sampling = setInterval(() => {
      peak.resident = Math.max(peak.resident, memoryMb(pid).resident);
    }, SAMPLE_MILLISECONDS);
    // Answered between two tasks of the isolate, not within one.
    const asking = setInterval(async () => {
      peak.heap = Math.max(peak.heap, await heap.used());
    }, SAMPLE_MILLISECONDS);
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    const woken = statusOf(workerd.url);
    let recoverySeconds: number | undefined;
    let told = 0;
    while (!readPublisher()?.published_seq && seconds() < SECONDS_MAX) {
      await pause(250);
      if (readPublisher()?.recovered === 1) recoverySeconds ??= seconds();
      if (seconds() - told < 10) continue;
      told = seconds();
      console.error(`${Math.round(told)} s:`, JSON.stringify({ ...readPublisher(), ...peak }));
    }
    await woken;
    const firstHeadSeconds = seconds();
    const atFirstHead = { ...peak };
    await pause(SETTLE_SECONDS * 1000);
    const status = await statusOf(workerd.url);
    clearInterval(sampling);
    clearInterval(asking);
    const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
    console.log(
      JSON.stringify({
        ...{ entries: ENTRIES, heapLimitMb: HEAP_MEGABYTES, status },
        fillSeconds: Math.round(fillSeconds),
        recoverySeconds: recoverySeconds && Math.round(recoverySeconds),
        firstHeadSeconds: Math.round(firstHeadSeconds),
        heapMb: {
          idle: megabytes(idle.heap),
          peakAtFirstHead: megabytes(atFirstHead.heap),
          peak: megabytes(peak.heap),
          after: megabytes(await heap.live()),
        },
        residentAboveIdleMb: {
          atFirstHead: Math.round(atFirstHead.resident - idle.resident),
          peak: Math.round(memoryMb(pid).peak - idle.resident),
        },
      }),
    );
    heap.close();
  } finally {
    await workerd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The hub's own note of itself, by its file: it answers nobody while it gathers a million entries. */
function readPublisher(): Publisher | undefined {
  const hub = join(folder, 'do', `${WORKER}-Hub`);
  const [file] = readdirSync(hub).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  if (file === undefined) return undefined;
  const database = new DatabaseSync(join(hub, file), { readOnly: true });
  try {
    const row = database.prepare('SELECT recovered, published_seq, failures FROM publisher').get();
    return row as unknown as Publisher | undefined;
  } catch {
    return undefined; // Its tables are being made.
  } finally {
    database.close();
  }
}

async function statusOf(url: URL): Promise<Status> {
  const response = await fetch(new URL('/hub', url));
  if (!response.ok)
    throw new Error(`The hub answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Status;
}

async function hubOptions(inspectorPort: number): Promise<V4MiniflareOptions> {
  const { env } = makeNodeSecrets();
  const { CONTROL_PLANE_PORT: _, ...secrets } = env;
  const classes = { HUB: 'Hub', ATTEMPTS: 'AttemptLimiter', LIMITS: 'RateLimitCounter' };
  return {
    ...{ name: WORKER, modules: true, script: await bundleWorker('hub-memory-worker.ts') },
    ...{ compatibilityDate: COMPATIBILITY_DATE, inspectorPort },
    bindings: { ...secrets, AUDIENCE: 'https://api.example', FEED_HARD_SECONDS: '120' },
    ...{ d1Databases: { DB: 'cardea' }, kvNamespaces: { FEED: 'feed' } },
    durableObjects: Object.fromEntries(
      Object.entries(classes).map(([name, className]) => [name, { className, useSQLite: true }]),
    ),
  };
}

/** workerd is the one child of this process that is left. */
function childPid(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
  for (const pid of children.split(' ').map(Number)) {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd')) return pid;
  }
  throw new Error('There is no workerd.');
}

await main();
