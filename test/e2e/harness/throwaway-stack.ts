/** The real stack on free ports and on state that is gone afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { type Stack, startStack } from '@cardea/cli/dev-stack/stack';

export interface ThrowawayOptions {
  readonly hardSeconds?: number;
  readonly originUrl?: string;
  readonly signal?: AbortSignal;
  readonly log?: (line: string) => void;
}

export interface ThrowawayStack {
  readonly stack: Stack;
  /** Stops the stack and removes its state. */
  readonly dispose: () => Promise<void>;
}

export async function startThrowawayStack(options: ThrowawayOptions): Promise<ThrowawayStack> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  try {
    const [controlPlane = 0, edge = 0, origin = 0] = await findFreePorts(3);
    const ports = { controlPlane, edge, origin };
    const stack = await startStack({ ...options, stateFolder: join(folder, '.cardea'), ports });
    const dispose = async () => {
      await stack.stop();
      removeFolder();
    };
    return { stack, dispose };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
