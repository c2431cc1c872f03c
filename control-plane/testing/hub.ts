/** The worker's own hub in tests: its alarm is run by hand, or by the runtime when it is due. */

import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { formatScopeId, scopeIdOfKey } from '@cardea/shared/feed/scope-id';
import { SEGMENT_LIMITS } from '../src/publication/segments/plan-segments.ts';
import { anonymous } from './api.ts';

export const hub = () => env.HUB.get(env.HUB.idFromName(env.ENVIRONMENT_ID));

/** Runs the alarm until the hub has published since this call: the runtime may be faster. */
export async function publish(): Promise<void> {
  const before = (await hub().status()).publishedSeq ?? 0;
  for (let tries = 0; tries < 50; tries++) {
    await hub().poke({ soon: true });
    await runDurableObjectAlarm(hub());
    if (((await hub().status()).publishedSeq ?? 0) > before) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The hub did not publish.');
}

/** Lets the worker's hub do nothing by itself: for tests that bring a publisher of their own. */
export async function silenceHub(): Promise<void> {
  await anonymous('/health/alive'); // The worker pokes the hub at its first request only.
  const before = (await hub().status()).publishedSeq;
  if (before === null) await publish();
  await runInDurableObject(hub(), (_hub: unknown, state: DurableObjectState) =>
    state.storage.deleteAlarm(),
  );
}

/** The head in KV as an edge reads it. */
export async function headInKv() {
  const text = (await env.FEED.get(HEAD_OBJECT, 'text')) ?? '';
  const keys = await importFeedKeys([JSON.parse(env.FEED_SIGNING_KEY).x]);
  if (!keys.ok) throw new Error(`The feed key is refused: ${JSON.stringify(keys.refusal)}`);
  const head = await verifyHead(text, keys.value);
  if (!head.ok) throw new Error(`The head is refused: ${JSON.stringify(head.refusal)}`);
  const bounds = head.value.tail.map((entry) => [formatScopeId(entry.scopeId), entry.boundSeconds]);
  return { ...head.value, bounds: new Map(bounds as Array<[string, number]>) };
}

/** The id by which the feed names a key or a token. */
export function scopeIdOf(id: string): string {
  const scopeId = scopeIdOfKey(id);
  if (scopeId === undefined) throw new Error('Not the id of a key or a token.');
  return formatScopeId(scopeId);
}

/** Has the hub make a segment of its tail, and answers its hash. */
export async function segmentInHub(): Promise<string> {
  const expiresAtSeconds = Math.floor(Date.now() / 1000) + 3600;
  const [high = 0] = crypto.getRandomValues(new Uint32Array(1));
  const entries = Array.from({ length: SEGMENT_LIMITS.tailAim + 1 }, (_, low) => {
    return { scopeId: { high, low }, boundSeconds: 7, expiresAtSeconds };
  });
  await hub().acknowledge(entries);
  await publish();
  const newest = 'SELECT hash FROM segments ORDER BY segment_id DESC LIMIT 1';
  return runInDurableObject(
    hub(),
    (_hub: unknown, state: DurableObjectState) =>
      state.storage.sql.exec<{ hash: string }>(newest).one().hash,
  );
}
