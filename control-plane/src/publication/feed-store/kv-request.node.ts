/**
 * One request to KV's API, by Node's own client: it says when a portion of a body is sent. `fetch` copies
 * the whole of it, twice, and of ten segments V8 would have 50 MB to collect, which it does late.
 */

import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { PortionedBody } from './bulk-body.node.ts';

export interface KvRequest {
  readonly method: 'GET' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: PortionedBody;
  readonly signal: AbortSignal;
}

/**
 * The answer, as soon as it begins: a refusal may come before the body is sent. Redirects are not followed.
 * Rejects with whatever the client throws, which may quote the request.
 */
export async function requestKv(url: string, { body, ...asked }: KvRequest) {
  const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
  const open = url.startsWith('https:') ? requestHttps : requestHttp;
  const request = open(url, { ...asked, headers: { ...asked.headers, ...length } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject); // The signal's as well.
  });
  send(request, body).catch((error) => request.destroy(error));
  return answer;
}

async function send(request: ClientRequest, body: PortionedBody | undefined): Promise<void> {
  for (const portion of body?.portions ?? []) await sent(request, portion);
  request.end();
}

/** Until then the bytes must stay as they are. */
function sent(request: ClientRequest, portion: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    request.write(portion, (error) => (error == null ? resolve() : reject(error)));
  });
}
