/**
 * How long a token is still let through after its revocation was acknowledged: many tokens, revoked one
 * by one at random moments, each asked for at two real edges until it is refused. Control plane, KV, both
 * edges and the API behind them are the local stack's; local KV has no delay, so a model of KV stands
 * beside lane A's figures.
 */

import { startLaneBEdge } from '../e2e/harness/lane-b-edge.ts';
import { startThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { createRandom } from '../simulation/random.ts';
import { modelledSeconds } from './kv-delay-model.ts';
import type { BenchResult } from './statistics.ts';

interface RevocationRun {
  readonly revocations: number;
}

type Lane = 'a' | 'b';

/** Revocations a second, on average: so many tokens are watched at a time, as the machine can bear. */
const REVOCATIONS_A_SECOND = 5;
/** How often each token is asked for, milliseconds: the figures are as fine as that. */
const POLL_MILLISECONDS: Readonly<Record<Lane, number>> = { a: 400, b: 100 };
const SEED = 7;
/** When a token should long be refused. */
const WATCH_MILLISECONDS_MAX = 120_000;

export async function benchRevocation({ revocations }: RevocationRun): Promise<BenchResult[]> {
  const { stack, dispose } = await startThrowawayStack({});
  try {
    const edge = await startLaneBEdge(stack, { EDGE_NAME: 'bench-b' });
    try {
      const admin = createAdmin(stack);
      const urls = { a: `${stack.edgeUrl}/v1/notes`, b: `${edge.url}/v1/notes` };
      return resultsOf(await measure(admin, { revocations, urls }));
    } finally {
      await edge.child.stop();
    }
  } finally {
    await dispose();
  }
}

type Admin = ReturnType<typeof createAdmin>;

/** Calls with the stack's admin token; answers that are no success end the run. */
function createAdmin(stack: { readonly controlPlaneUrl: string; readonly adminToken: string }) {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${stack.controlPlaneUrl}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stack.adminToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
    return response.json();
  };
  return {
    async issue(): Promise<string> {
      const key = { name: 'bench', actor_id: 'bench', scopes: ['notes:read'] };
      return (await post('/v2alpha1/admin/issuedApiKeys', key)).secret;
    },
    async derive(credential: string): Promise<string> {
      const answer = await post('/v2alpha1/admin/apiKeys:derive', { credential, ttl: '1h' });
      return answer.token.token;
    },
    /** Resolves when it is acknowledged. */
    async revoke(token: string): Promise<void> {
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      const subject: string = JSON.parse(payload).jti;
      const made = await post('/v1/admin/revocations', { target: 'token', subject });
      if (made.status === 'accepted') throw new Error('A revocation was not acknowledged.');
    },
  };
}

interface Measuring {
  readonly revocations: number;
  readonly urls: Readonly<Record<Lane, string>>;
}

type Seconds = Readonly<Record<Lane, readonly number[]>>;

async function measure(admin: Admin, { revocations, urls }: Measuring): Promise<Seconds> {
  const secret = await admin.issue();
  const random = createRandom(SEED);
  const windowMilliseconds = (revocations / REVOCATIONS_A_SECOND) * 1000;
  const tokens: string[] = [];
  for (let i = 0; i < revocations; i++) tokens.push(await admin.derive(secret));
  const both = await Promise.all(
    tokens.map(async (token) => {
      await pause(random.fraction() * windowMilliseconds);
      for (const url of Object.values(urls)) await mustAccept(url, token);
      await admin.revoke(token);
      const from = performance.now();
      const lanes = (['a', 'b'] as const).map((lane) =>
        lastAcceptance({ token, url: urls[lane], from, every: POLL_MILLISECONDS[lane] }),
      );
      return Promise.all(lanes);
    }),
  );
  return { a: both.map(([a = Number.NaN]) => a), b: both.map(([, b = Number.NaN]) => b) };
}

interface Watched {
  readonly token: string;
  readonly url: string;
  /** When the revocation was acknowledged, as `performance.now()`. */
  readonly from: number;
  readonly every: number;
}

/** Seconds to the last call that was let through, by when it was sent; 0 if there was none. */
async function lastAcceptance({ token, url, from, every }: Watched): Promise<number> {
  let last = from;
  for (;;) {
    const sentAt = performance.now();
    const status = await statusOf(url, token);
    if (status === 401) return (last - from) / 1000;
    if (status !== 200) throw new Error(`The edge answered ${status}.`);
    last = sentAt;
    if (sentAt - from > WATCH_MILLISECONDS_MAX) throw new Error('A token is not refused.');
    await pause(every);
  }
}

async function mustAccept(url: string, token: string): Promise<void> {
  const status = await statusOf(url, token);
  if (status !== 200) throw new Error(`The edge answered ${status} to a fresh token.`);
}

async function statusOf(url: string, token: string): Promise<number> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.status;
}

function resultsOf(measured: Seconds): BenchResult[] {
  const modelled = modelledSeconds();
  return (['p50', 'p95', 'max'] as const).flatMap((point) => {
    const share = { p50: 0.5, p95: 0.95, max: 1 }[point];
    const result = (lane: Lane, peer: number | null): BenchResult => ({
      name: `revocation_lane_${lane}_${point}_s`,
      ours: quantile(measured[lane], share),
      ...{ peer, ratio: null, unit: 's' },
    });
    return [result('a', quantile(modelled, share)), result('b', null)];
  });
}

/** The value that so large a share of all does not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
