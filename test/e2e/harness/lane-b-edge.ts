/**
 * A second edge beside that of a running stack: the same wrangler.toml with its service binding to the
 * control plane switched on, as an operator does it. Both edges read one KV.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Child } from '@cardea/cli/dev-stack/child';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import type { Stack } from '@cardea/cli/dev-stack/stack';
import { waitUntilReady } from '@cardea/cli/dev-stack/wait-until-ready';
import { EDGE_CONFIG, startWorker } from '@cardea/cli/dev-stack/workers';

export interface LaneBEdge {
  readonly url: string;
  readonly child: Child;
}

export async function startLaneBEdge(
  stack: Stack,
  settings: Readonly<Record<string, string>>,
): Promise<LaneBEdge> {
  const [port = 0] = await findFreePorts(1);
  const config = join(stack.state.path, 'lane-b.toml');
  writeFileSync(config, withServiceBinding(readFileSync(EDGE_CONFIG, 'utf8')));
  const { controlPlaneUrl, originUrl, state } = stack;
  const child = startWorker(state, {
    ...{ name: 'the edge worker with lane B', slug: 'lane-b', config, port },
    settings: {
      ...{ ISSUER: controlPlaneUrl, AUDIENCE: controlPlaneUrl, ORIGIN_URL: originUrl },
      FEED_PUBLIC_KEYS: state.secrets.feedPublicKey,
      ...settings,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitUntilReady({ child, url: `${url}/.cardea/ready` });
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, child };
}

/** Takes the comment signs from the lines of the service binding; the file stands elsewhere then. */
function withServiceBinding(toml: string): string {
  const [before, binding] = toml.split('# [[services]]\n');
  if (before === undefined || binding === undefined) throw new Error('no service binding is there');
  const main = /^main = "(.+)"$/m.exec(before)?.[1] ?? '';
  return (
    before
      .replace(`main = "${main}"`, `main = "${resolve(dirname(EDGE_CONFIG), main)}"`)
      .replace('name = "cardea-edge"', 'name = "cardea-edge-b"') +
    `[[services]]\n${binding.replaceAll(/^# /gm, '')}`
  );
}
