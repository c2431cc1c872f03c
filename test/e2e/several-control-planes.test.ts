/**
 * Guarantee: of several real processes on one PostgreSQL exactly one publishes; when it is killed, or
 * stands still, another one takes over within seconds, no head regresses, and every revocation that was
 * answered, before and after, is in the feed.
 */

import { NODE_CONTROL_PLANE } from '@cardea/cli/dev-stack/node-control-plane';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { formatScopeId, scopeIdOfKey } from '@cardea/shared/feed/scope-id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KvRestStandIn } from '../stores/kv-rest-stand-in.ts';
import {
  createDatabase,
  type PostgresServer,
  startPostgresServer,
} from '../stores/postgres-server.ts';
import { call } from './harness/calls.ts';
import { type RunningCommand, startCommand } from './harness/cardea-command.ts';
import { logLines, makeNodeSecrets } from './harness/node-control-plane.ts';

const ISSUED = '/v2alpha1/admin/issuedApiKeys';
const secrets = makeNodeSecrets();
const headers = {
  Authorization: `Bearer ${secrets.adminToken}`,
  'Content-Type': 'application/json',
};

let server: PostgresServer;
let kv: KvRestStandIn;
let settings: Record<string, string>;
const processes: RunningCommand[] = [];

beforeAll(async () => {
  server = await startPostgresServer();
  kv = await new KvRestStandIn().listen();
  settings = {
    ...secrets.env,
    ...{ DATABASE_URL: await createDatabase(server.url), DATABASE_CONNECTIONS_MAX: '4' },
    ...{ KV_API_URL: kv.url, KV_API_TOKEN: kv.token, KV_NAMESPACE_ID: KvRestStandIn.namespaceId },
    ...{ FEED_HARD_SECONDS: '60', FEED_HEARTBEAT_SECONDS: '2' },
  };
});
afterAll(async () => {
  for (const { process } of processes) {
    process.kill('SIGCONT');
    process.kill('SIGKILL');
  }
  await Promise.all(processes.map(({ ended }) => ended));
  await kv?.close();
  await server?.dispose();
});

async function start(): Promise<RunningCommand> {
  const command = [process.execPath, '--no-warnings', NODE_CONTROL_PLANE, '--migrate'];
  const running = startCommand(command, { env: settings });
  processes.push(running);
  await running.untilPrinted('"event":"started"');
  return running;
}

const eventsOf = ({ printed }: RunningCommand) => logLines(printed()).map(({ event }) => event);
const urlOf = ({ printed }: RunningCommand) =>
  String(logLines(printed()).find(({ event }) => event === 'started')?.url);
const isAlive = ({ process }: RunningCommand) => process.exitCode === null && !process.killed;

/** Those whose last word about it is that their term began. */
function publishing(): RunningCommand[] {
  return processes.filter((running) => {
    const terms = eventsOf(running).filter((event) => String(event).startsWith('publisher_term'));
    return isAlive(running) && terms.at(-1) === 'publisher_term_began';
  });
}

async function revokeThrough(running: RunningCommand): Promise<string> {
  const body = JSON.stringify({ name: 'n', actor_id: 'a' });
  const issued = await call(`${urlOf(running)}${ISSUED}`, { method: 'POST', headers, body });
  const { key_id: keyId } = issued.body.issued_api_key as { key_id: string };
  const path = `${urlOf(running)}${ISSUED}/${keyId}:revoke`;
  const revoked = await call(path, { method: 'POST', headers, body: '{}' });
  expect(revoked.headers.get('cardea-revocation')).toBe('acknowledged');
  const scopeId = scopeIdOfKey(keyId);
  if (scopeId === undefined) throw new Error(`no scope: ${keyId}`);
  return formatScopeId(scopeId);
}

async function readHeads() {
  const keys = await importFeedKeys([secrets.feedPublicKey]);
  if (!keys.ok) throw new Error('the key of the feed is not usable');
  return Promise.all(
    kv.writesOf(HEAD_OBJECT).map(async ({ value }) => {
      const head = await verifyHead(value, keys.value);
      if (!head.ok) throw new Error(JSON.stringify(head.refusal));
      const bounds = head.value.tail.map(
        (entry) => [formatScopeId(entry.scopeId), entry.boundSeconds] as const,
      );
      return { seq: head.value.seq, bounds: new Map(bounds) };
    }),
  );
}

async function untilPublished(scopeIds: readonly string[], timeout: number): Promise<void> {
  const missing = async () => {
    const last = (await readHeads()).at(-1);
    return scopeIds.filter((scopeId) => last?.bounds.get(scopeId) !== FOR_GOOD);
  };
  await expect.poll(missing, { timeout, interval: 100 }).toEqual([]);
}

test('three processes: one publishes, is killed, is frozen; nothing is lost, nothing regresses', async () => {
  await Promise.all([start(), start(), start()]);
  const revoked: string[] = [];
  for (const running of processes) revoked.push(await revokeThrough(running));
  await untilPublished(revoked, 15_000);
  expect(publishing()).toHaveLength(1);

  // Killed between the answer to a revocation and its head.
  const [first] = publishing();
  if (first === undefined) throw new Error('nobody publishes');
  revoked.push(await revokeThrough(first));
  first.process.kill('SIGKILL');
  await first.ended;
  const survivors = processes.filter((running) => running !== first);
  for (const running of survivors) revoked.push(await revokeThrough(running));
  await untilPublished(revoked, 10_000);
  expect(publishing()).toHaveLength(1);

  // Frozen: its connections stay open, and the server ends the silent one.
  const [second] = publishing();
  if (second === undefined) throw new Error('nobody publishes');
  process.kill(second.process.pid ?? 0, 'SIGSTOP');
  const last = survivors.find((running) => running !== second);
  if (last === undefined) throw new Error('nobody is left');
  revoked.push(await revokeThrough(last));
  await untilPublished(revoked, 25_000);
  expect(eventsOf(last)).toContain('publisher_term_began');

  // Back again, it finds that its term is over.
  process.kill(second.process.pid ?? 0, 'SIGCONT');
  await second.untilPrinted('"event":"publisher_term_ended"');
  revoked.push(await revokeThrough(second));
  await untilPublished(revoked, 10_000);

  const heads = await readHeads();
  const seqs = heads.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
  for (const scopeId of revoked) {
    const place = heads.findIndex(({ bounds }) => bounds.has(scopeId));
    expect(heads.slice(place).every(({ bounds }) => bounds.has(scopeId))).toBe(true);
  }
}, 120_000);
