/** A second edge in front of the same API, that asks the control plane for the feed (docs/feed.md, lane B). */

import { readEdgeRegistration } from '@cardea/cli/dev-stack/edge-registration';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import type { Stack } from '@cardea/cli/dev-stack/stack';
import { waitUntilReady } from '@cardea/cli/dev-stack/wait-until-ready';
import { startEdge } from '@cardea/cli/dev-stack/workers';

export interface LaneBEdge {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startLaneBEdge(
  stack: Stack,
  { hardSeconds, signal }: { readonly hardSeconds: number; readonly signal: AbortSignal },
): Promise<LaneBEdge> {
  const { controlPlaneUrl, originUrl, state } = stack;
  const [port = 0] = await findFreePorts(1);
  const child = startEdge(state, {
    ...{ controlPlaneUrl, originUrl, hardSeconds, port },
    registration: readEdgeRegistration(state),
    feedUrl: controlPlaneUrl,
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = () => child.stop();
  try {
    await waitUntilReady({ child, url: `${url}/.cardea/ready`, signal });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
