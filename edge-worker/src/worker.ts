/**
 * Composition root of the edge worker. Module scope outlives requests, so it holds plain data and
 * functions only: never a promise, a response or a stream (docs/feed.md).
 */

import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { warmUpScopeFilter } from '@cardea/shared/feed/scope-filter';
import { type EdgeIdentity, importEdgeSealingKey } from '@cardea/shared/feed/sealed-key';
import { unixMilliseconds } from '@cardea/shared/time';
import { ConfigInvalid, type EdgeConfig, parseEdgeConfig } from './config.ts';
import { type Background, createEdge, type EdgeHandler } from './edge.ts';
import { createEdgeFeed } from './feed/create-edge-feed.ts';
import { feedLanesOf } from './feed/feed-lanes.ts';
import { problemResponse } from './problem.ts';
import { reportMisconfigured } from './report.ts';
import type { EdgeEnvironment } from './settings.ts';

// In the start of the isolate, for which no request waits.
warmUpScopeFilter();

/** Set by the first request that finds a sound configuration. */
let edge: EdgeHandler | undefined;

export default {
  fetch(request, env, context): Promise<Response> {
    return edge === undefined ? startThenHandle(request, env, context) : edge(request, context);
  },
} satisfies ExportedHandler<EdgeEnvironment>;

async function startThenHandle(
  request: Request,
  env: EdgeEnvironment,
  context: Background,
): Promise<Response> {
  try {
    const started = await startEdge(env);
    // Another first request may have come this far meanwhile: its edge, and its feed, stay.
    edge ??= started;
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error;
    return answerMisconfigured(request, error);
  }
  return edge(request, context);
}

/** Throws {@link ConfigInvalid}. */
async function startEdge(env: EdgeEnvironment): Promise<EdgeHandler> {
  const config = parseEdgeConfig(env);
  const feedKeys = await importFeedKeys(config.feedPublicKeys);
  if (!feedKeys.ok) throw new ConfigInvalid(['FEED_PUBLIC_KEYS: a key is malformed or weak']);
  const now = () => Date.now();
  const feed = createEdgeFeed({
    ...feedLanesOf(config, (url, init) => fetch(url, init)),
    environmentId: config.environmentId,
    feedKeys: feedKeys.value,
    clockSkewSeconds: config.clockSkewSeconds,
    clock: () => unixMilliseconds(now()),
    edgeIdentity: await identityOf(config),
    pause: (milliseconds) => scheduler.wait(milliseconds),
  });
  return createEdge({
    config,
    feed,
    now,
    fetchOrigin: (url, init) => fetch(url, init),
    requestId: () => crypto.randomUUID(),
    log: (line) => console.log(line),
  });
}

async function identityOf(config: EdgeConfig): Promise<EdgeIdentity | undefined> {
  const { environmentId, edgeCredentials } = config;
  if (edgeCredentials === undefined) return undefined;
  const { edgeId, secret } = edgeCredentials;
  return { environmentId, edgeId, sealingKey: await importEdgeSealingKey(secret, ['decrypt']) };
}

function answerMisconfigured(request: Request, error: ConfigInvalid): Response {
  reportMisconfigured((line) => console.error(line), error.problems);
  return problemResponse(
    { reason: 'edge_misconfigured' },
    { requestId: crypto.randomUUID(), method: request.method, realm: 'cardea', requiredScopes: [] },
  );
}
