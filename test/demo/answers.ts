/** What the steps of the demo ask of an answer, and how they wait for one. */

import assert from 'node:assert/strict';
import { type Answer, callWithToken } from '../e2e/harness/calls.ts';

export function expectRefusal(answer: Answer, expected: { status: number; code: string }): void {
  const { status, body } = answer;
  assert.deepEqual({ status, code: body.code }, expected, `answered ${describe(answer)}`);
}

export function describe({ status, body }: Answer): string {
  return body.code === undefined ? String(status) : `${status} ${body.code}`;
}

/** Repeats a call that answers 200 until it does not. Fails after `secondsMax`, or when aborted. */
export async function untilNotOk(
  request: () => Promise<Answer>,
  { secondsMax, signal }: { readonly secondsMax: number; readonly signal: AbortSignal },
): Promise<Answer> {
  const deadline = performance.now() + secondsMax * 1000;
  while (performance.now() < deadline && !signal.aborted) {
    const answer = await request();
    if (answer.status !== 200) return answer;
    await sleep(200);
  }
  throw new Error(`still answered 200 after ${secondsMax} s`);
}

/** The paths by which edges learn of a revocation (docs/feed.md, "Lanes"). */
export type Lanes = Readonly<Record<'lane A' | 'lane B', string>>;

/**
 * Calls the edge of each lane until it refuses with `token_revoked`; says how long each of them took, and
 * fails after `secondsMax`.
 */
export async function untilRevoked(
  lanes: Lanes,
  token: string,
  limits: { readonly secondsMax: number; readonly signal: AbortSignal },
): Promise<string> {
  const start = performance.now();
  const took = Object.entries(lanes).map(async ([lane, edgeUrl]) => {
    const refusal = await untilNotOk(() => callWithToken(`${edgeUrl}/v1/notes`, token), limits);
    expectRefusal(refusal, { status: 401, code: 'token_revoked' });
    return `${lane} after ${seconds(start)} s`;
  });
  return `${(await Promise.all(took)).join(', ')} (bound ${limits.secondsMax} s)`;
}

export function seconds(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
