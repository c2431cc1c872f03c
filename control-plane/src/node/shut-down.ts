/** Ends what runs, stage by stage: each may take so long, and none keeps the next from its turn. */

import type { Log } from '../log.ts';
import { within } from '../within.ts';

export interface Stage {
  /** Named in the log if it fails. */
  readonly name: string;
  readonly milliseconds: number;
  readonly run: () => Promise<unknown>;
}

/** Resolves with the names of the stages that failed or took too long. Never rejects. */
export async function shutDown(stages: readonly Stage[], log: Log): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, milliseconds, run } of stages) {
    try {
      await within(milliseconds, run());
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown';
      log('error', 'stop_incomplete', { stage: name, error: reason });
      failed.push(name);
    }
  }
  return failed;
}
