/** The one place where an exception becomes an answer. Neither answer nor log quotes its message. */

import { RETRY_AFTER_SECONDS } from '../limits.ts';
import type { Log } from '../log.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { problemResponse } from './problem.ts';

/** 503 for an outage that the client may wait for, 500 for anything that was not foreseen. */
export function answerFailure(error: Error, log: Log, requestId: string): Response {
  log('error', 'failure', { request_id: requestId, ...describeFailure(error) });
  if (error instanceof StoreUnavailable) {
    const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
    return problemResponse({ code: 'service_unavailable' }, headers);
  }
  return problemResponse({ code: 'internal_server_error' });
}

/**
 * Names and places, not messages: a database driver's message may hold the parameters of a query.
 * D1's own messages do not, and say what an operator needs.
 */
function describeFailure(error: Error): Record<string, string | readonly string[]> {
  const chain: Error[] = [];
  for (let link: unknown = error; link instanceof Error && chain.length < 5; link = link.cause) {
    chain.push(link);
  }
  const database = chain.find(({ message }) => message.startsWith('D1_ERROR:'));
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    error: chain.map(({ name }) => name).join(' < '),
    ...(database === undefined ? {} : { database: database.message.slice(0, 200) }),
    at: frames.slice(0, 5).map((frame) => frame.trim()),
  };
}
