/** `cardea feed canary`: revoke a throw-away token, and record how long the edge took to refuse it. */

import { callAsAdmin } from '../admin-call.ts';
import { type CanaryKey, endCanaryKey, makeCanaryKey } from '../canary-key.ts';
import type { Command, CommandContext } from '../command.ts';
import { readDevFile } from '../dev-stack/dev-file.ts';
import { stateFolderOf } from '../dev-stack/settings.ts';
import { parseEndpoint } from '../endpoint.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { type CanaryParts, type EdgeAnswer, runRound } from '../feed-canary.ts';
import { FEED } from '../feed-state.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { REVOCATIONS } from '../revocations.ts';
import { tokenIdOf } from '../token-id.ts';

const EVERY_DEFAULT = '60s';
/** How long the edge may take to answer a call, milliseconds. */
const EDGE_MILLISECONDS_MAX = 5000;
/** A key of the canary's own is replaced after this, milliseconds: long before it ends. */
const KEY_MILLISECONDS_MAX = 12 * 60 * 60 * 1000;

export const feedCanaryCommand: Command = {
  words: ['feed', 'canary'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'revoke a throw-away token again and again, and record how long the edge takes',
  options: ['endpoint', 'url', 'every', 'count', 'bound', 'scopes'],
  details: [
    '--url a protected URL behind the edge, for GET (default: that of the running local stack)',
    `--every 60s (default ${EVERY_DEFAULT})   --count N rounds (default: until it is stopped)`,
    "--bound 180s (default: the control plane's own)   --scopes of the key that it issues",
    'CARDEA_API_KEY: a key to derive from, instead of one that it issues and ends.',
    'One line of JSON a round. Exit status 1: a token was let through after the bound, or nothing',
    'could be seen.',
  ],
  run: runCanary,
};

async function runCanary(context: CommandContext): Promise<number> {
  const { bound, count, every = EVERY_DEFAULT } = context.options;
  const everyMilliseconds = secondsOf('every', every) * 1000;
  const rounds = countOf(count);
  const url = urlOf(context);
  await mustBeProtected(url);
  const boundSeconds = bound === undefined ? await boundOf(context) : secondsOf('bound', bound);
  const stop = stopper();
  let isGood = true;
  let key: CanaryKey | undefined;
  let keyMadeAt = 0;
  try {
    for (let round = 0; round < rounds && !stop.isAsked; round++) {
      const startedAt = Date.now();
      if (key === undefined || startedAt - keyMadeAt > KEY_MILLISECONDS_MAX) {
        if (key !== undefined) await endCanaryKey(context, key);
        key = await makeCanaryKey(context);
        keyMadeAt = startedAt;
      }
      isGood =
        (await tryRound(partsOf(context, { key, url }), { context, boundSeconds })) && isGood;
      const rest = everyMilliseconds - (Date.now() - startedAt);
      if (round + 1 < rounds && rest > 0) await stop.pause(rest);
    }
  } finally {
    stop.dispose();
    if (key !== undefined) await endCanaryKey(context, key);
  }
  return isGood ? 0 : 1;
}

interface RoundContext {
  readonly context: CommandContext;
  readonly boundSeconds: number;
}

/** Prints the round. One that fails, because something is away, is a line as well; others may follow. */
async function tryRound(
  parts: CanaryParts,
  { context, boundSeconds }: RoundContext,
): Promise<boolean> {
  const time = new Date().toISOString();
  try {
    const round = await runRound(parts, boundSeconds);
    context.print(JSON.stringify(round));
    return round.outcome === 'in_time';
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    context.print(JSON.stringify({ time, outcome: 'failed', error: error.message }));
    return false;
  }
}

function partsOf(
  context: CommandContext,
  { key, url }: { readonly key: CanaryKey; readonly url: string },
): CanaryParts {
  return {
    async derive(ttlSeconds) {
      const json = { credential: key.secret, ttl: `${ttlSeconds}s` };
      const path = '/v2alpha1/admin/apiKeys:derive';
      const answer = await callAsAdmin(context, { method: 'POST', path, json });
      const token = textOf(asJsonObject(answer.token)?.token);
      const jti = tokenIdOf(token);
      if (jti === undefined) throw new CommandFailed('the control plane derived no token');
      return { token, jti };
    },
    async revoke(subject) {
      const json = { target: 'token', subject, reason: 'feed canary' };
      const answer = await callAsAdmin(context, { method: 'POST', path: REVOCATIONS, json });
      return { id: textOf(answer.revocation_id), status: textOf(answer.status) };
    },
    callEdge: (token) => callEdge(url, token),
    now: Date.now,
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
}

/** 403 and what the API behind the edge answers mean that the token was not refused. */
async function callEdge(url: string, token: string): Promise<EdgeAnswer> {
  const status = await statusOf(url, { authorization: `Bearer ${token}` });
  if (status === undefined || status >= 500) return 'unavailable';
  return status === 401 ? 'refused' : 'accepted';
}

/** `undefined` if nothing answered. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const signal = AbortSignal.timeout(EDGE_MILLISECONDS_MAX);
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

/** A URL that lets everybody in would never refuse a token. */
async function mustBeProtected(url: string): Promise<void> {
  const status = await statusOf(url, {});
  if (status === 401) return;
  const answered = status === undefined ? 'did not answer' : `answered ${status}`;
  throw new CommandFailed(`${url} ${answered} to a call without a token: it must refuse with 401`);
}

async function boundOf(context: CommandContext): Promise<number> {
  const answer = await callAsAdmin(context, { method: 'GET', path: FEED });
  const bound = asJsonObject(answer.bounds)?.revocation_bound_seconds;
  if (typeof bound !== 'number') throw new CommandFailed('the control plane tells no bound');
  return bound;
}

/** The sample API's route, where the local stack runs. */
function urlOf({ env, options }: CommandContext): string {
  if (options.url !== undefined) return parseEndpoint(options.url);
  const edgeUrl = readDevFile(stateFolderOf(env))?.edge_url ?? '';
  if (edgeUrl === '') throw new UsageError('--url is needed: a protected URL behind the edge');
  return `${edgeUrl}/v1/notes`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function secondsOf(name: string, text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new UsageError(`--${name} must be a duration like 60s, 5m, 1h`);
  return Number(number) * factor;
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError('--count must be a number from 1 on');
  return Number(text);
}

/** Ctrl-C and SIGTERM end the run after the round that is under way; the key is ended with it. */
function stopper() {
  const abort = new AbortController();
  const onSignal = () => abort.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  return {
    get isAsked() {
      return abort.signal.aborted;
    },
    pause: (milliseconds: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        abort.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    dispose() {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
    },
  };
}
