/**
 * Guarantee: what is revoked through the API is refused by the real edge within the bound, its siblings
 * are not; and the canary sees it.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callWithToken } from './harness/calls.ts';
import { runCardea } from './harness/cardea-command.ts';
import { startThrowawayStack, type ThrowawayStack } from './harness/throwaway-stack.ts';

/** Of the edge; with the skew of 60 s no more than a token's refusal can take. */
const HARD_SECONDS = 10;

let throwaway: ThrowawayStack;
beforeAll(async () => {
  throwaway = await startThrowawayStack({ hardSeconds: HARD_SECONDS });
});
afterAll(() => throwaway?.dispose());

async function cardea(args: readonly string[], input?: string) {
  const { adminToken, controlPlaneUrl } = throwaway.stack;
  const env = { CARDEA_ENDPOINT: controlPlaneUrl, CARDEA_ADMIN_TOKEN: adminToken };
  const end = await runCardea(args, { env, ...(input === undefined ? {} : { input }) });
  return { ...end, lines: end.out.trim().split('\n') };
}

async function json(args: readonly string[], input?: string) {
  const { err, out, status } = await cardea([...args, '--format', 'json'], input);
  expect([args.join(' '), status, err]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(out);
}

const issue = async (actor: string) =>
  json(['keys', 'issue', 'e2e', '--actor', actor, '--scopes', 'notes:read']);
const derive = async (secret: string) =>
  (await cardea(['keys', 'derive', '--ttl', '30m'], secret)).out.trim();
const atEdge = async (token: string) =>
  (await callWithToken(`${throwaway.stack.edgeUrl}/v1/notes`, token)).status;

/** Milliseconds until the edge refuses. */
async function untilRefused(token: string): Promise<number> {
  const startedAt = Date.now();
  while ((await atEdge(token)) !== 401) {
    if (Date.now() - startedAt > HARD_SECONDS * 1000) throw new Error('It is not refused.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Date.now() - startedAt;
}

test('a token is refused at the edge, its sibling is not; the list and the feed tell of it', async () => {
  const { secret } = await issue('alice');
  const [token, sibling] = [await derive(secret), await derive(secret)];
  expect([await atEdge(token), await atEdge(sibling)]).toEqual([200, 200]);
  const made = await json(['revoke', 'token', '-', '--reason', 'e2e'], token);
  expect(made).toMatchObject({ target: 'token', extent: 'for_good', reason: 'e2e' });
  await untilRefused(token);
  expect(await atEdge(sibling)).toBe(200);
  const read = await json(['revocations', 'get', made.revocation_id]);
  expect(read).toMatchObject({ subject: made.subject, status: 'published' });
  const feed = await json(['feed']);
  expect(Number(feed.publication.seq)).toBeGreaterThanOrEqual(Number(read.published_seq));
  expect(feed.head.entries).toBeGreaterThanOrEqual(1);
  const { lines } = await cardea(['revocations', 'list', made.subject]);
  expect(lines).toEqual([expect.stringMatching(/ {2}published {2}token {2}.+ {2}for_good {2}/)]);
});

test('an actor is signed out everywhere, and comes back with the same key', async () => {
  const [bob, carol] = [await issue('bob'), await issue('carol')];
  const [theirs, others] = [await derive(bob.secret), await derive(carol.secret)];
  expect([await atEdge(theirs), await atEdge(others)]).toEqual([200, 200]);
  await json(['revoke', 'actor', 'bob']);
  await untilRefused(theirs);
  const later = await derive(bob.secret);
  expect([await atEdge(others), await atEdge(later)]).toEqual([200, 200]);
  // Everything: the same way.
  await json(['revoke', 'everything', '--force']);
  await untilRefused(later);
  expect(await atEdge(await derive(bob.secret))).toBe(200);
});

test("a tenant's tokens are cut off, those of another one go on", async () => {
  const { secret } = await issue('dave');
  const [token, sibling] = [await derive(secret), await derive(secret)];
  const { tenant_id: other } = await json(['tenants', 'create', 'Other']);
  await json(['revoke', 'tenant', other]);
  // The feed is told in order: when the edge has heard of the sibling, it has heard of the other tenant.
  await json(['revoke', 'token', '-'], sibling);
  await untilRefused(sibling);
  expect(await atEdge(token)).toBe(200);
  await json(['revoke', 'tenant', DEFAULT_TENANT_ID]);
  await untilRefused(token);
  expect(await atEdge(await derive(secret))).toBe(200);
  // One that is deleted, keys and all, takes nothing of the others with it.
  const kept = await derive(secret);
  await cardea(['tenants', 'delete', other, '--force']);
  expect(await atEdge(kept)).toBe(200);
});

test('the canary sees the edge refuse in time, and cleans up', async () => {
  const url = `${throwaway.stack.edgeUrl}/v1/notes`;
  const args = ['feed', 'canary', '--url', url, '--count', '2', '--every', '1s', '--bound', '70s'];
  const { err, lines, status } = await cardea(args);
  expect([status, err]).toEqual([0, '']);
  const rounds = lines.map((line) => JSON.parse(line));
  expect(rounds).toHaveLength(2);
  for (const round of rounds) {
    expect(round).toMatchObject({ outcome: 'in_time', bound_seconds: 70, unavailable: 0 });
    expect(round.last_accepted_seconds).toBeLessThan(HARD_SECONDS);
  }
  const keys = await cardea([
    'keys',
    'list',
    '--actor',
    'cardea-feed-canary',
    '--status',
    'active',
  ]);
  expect(keys.out).toBe('');
});
