/** Waits for a server of the stack to answer, or for its process to end first. */

import type { Child } from './child.ts';
import { StackFailed } from './stack-failed.ts';

/** Starting takes 2–5 s; on a machine that is busy with other work, several times that. */
const ANSWER_MILLISECONDS_MAX = 90_000;
/** A server that answers "not ready" becomes ready in a second, or something is broken. */
const READY_MILLISECONDS_MAX = 30_000;
const POLL_MILLISECONDS = 150;
const NO_ANSWER = 'no answer';

export interface Readiness {
  readonly child: Child;
  /** Answers 200 once the server is ready. */
  readonly url: string;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when `url` answers 200. Fails with one line if it never will. */
export async function waitUntilReady({ child, url, signal }: Readiness): Promise<void> {
  let deadline = performance.now() + ANSWER_MILLISECONDS_MAX;
  let last = NO_ANSWER;
  while (performance.now() < deadline) {
    if (signal?.aborted) throw new StackFailed('stopped before it was ready');
    if (child.hasEnded()) {
      const { code, signal: by } = await child.ended;
      throw new StackFailed(
        `${child.name} ended before it was ready (${by ?? `exit ${code}`}): ${reasonOf(child)}`,
      );
    }
    const status = await statusOf(url);
    if (status === 200) return;
    if (status !== undefined) {
      if (last === NO_ANSWER) deadline = performance.now() + READY_MILLISECONDS_MAX;
      last = `HTTP ${status}`;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  throw new StackFailed(`${child.name} does not become ready (${last}): ${reasonOf(child)}`);
}

function reasonOf(child: Child): string {
  const complaint = child.lastComplaint();
  const isDamaged = /SQLITE_(NOTADB|CORRUPT)/.test(complaint);
  const hint = isDamaged ? '; the state folder is damaged, "npm run reset" clears it' : '';
  return `${complaint}${hint} (log: ${child.logFile})`;
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: 'manual' });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined; // Not listening yet; the caller asks again until its deadline.
  }
}
