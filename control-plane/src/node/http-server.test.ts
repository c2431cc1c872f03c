/** Guarantee: a stopping server loses no request it has accepted, and nobody can hold it open. */

import { once } from 'node:events';
import { Agent, request as send } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import type { Connection } from './client-address.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';

const ANY = { host: '127.0.0.1', port: 0 };
const running: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop(0)));
});

type Handle = (request: Request, connection: Connection) => Response | Promise<Response>;

async function start(handle: Handle): Promise<HttpServer> {
  const refuse = () => new Response('refused', { status: 400 });
  const server = await startHttpServer(ANY, { fetch: handle, refuse });
  running.push(server);
  return server;
}

/** A promise and how to resolve it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

async function raw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

test('requests and answers pass, and the handler learns of the connection', async () => {
  const { url } = await start(async (request, connection) =>
    Response.json({ ...connection, method: request.method, body: await request.text() }),
  );
  const headers = { 'X-Forwarded-For': '192.0.2.1' };
  const answer = await fetch(url, { method: 'POST', body: 'hello', headers });
  expect(await answer.json()).toEqual({
    remoteAddress: '127.0.0.1',
    forwardedFor: '192.0.2.1',
    method: 'POST',
    body: 'hello',
  });
});

test('an answer has the headers that it was made with and those that were set since', async () => {
  const { url } = await start(() => {
    const answer = Response.json({ é: 1 }, { status: 201, headers: { 'X-One': '1', Vary: 'a' } });
    answer.headers.set('x-two', '2');
    answer.headers.append('VARY', 'b');
    return answer;
  });
  const answer = await fetch(url);
  expect(answer.status).toBe(201);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    ...{ 'x-one': '1', 'x-two': '2', vary: 'a, b' },
    ...{ 'content-type': 'application/json', 'content-length': '8' },
  });
  expect(await answer.text()).toBe('{"é":1}');
});

test('a header that is none does not leave the server', async () => {
  const { url } = await start(async () =>
    Response.json({}, { headers: { 'X-One': 'a\r\nX-Two: b' } }),
  );
  const answer = await fetch(url);
  expect(answer.status).toBe(400);
  expect(answer.headers.has('X-Two')).toBe(false);
});

test('the lines of a header that came twice are one, in their order', async () => {
  const { url } = await start((_, { forwardedFor }) => new Response(forwardedFor));
  const lines = ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2', 'Connection: close'];
  const answer = await raw(url, `GET / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`);
  expect(answer).toMatch(/\r\n\r\n[\s\S]*1\.1\.1\.1, 2\.2\.2\.2/);
});

const LONG = `X: ${'x'.repeat(20_000)}`;

test.each([
  ['a request', 'GET / HTTP/1.1', ['Host: a'], '200 OK'],
  ['a wrong host', 'GET / HTTP/1.1', ['Host: a b'], '400 Bad Request'],
  ['no host', 'GET / HTTP/1.1', [], '400 Bad Request'],
  ['a backslash in the path', 'GET /a\\b HTTP/1.1', ['Host: a'], '400 Bad Request'],
  ['a header that is too long', 'GET / HTTP/1.1', ['Host: a', LONG], '431'],
  ['nonsense', 'NONSENSE', [], '400 Bad Request'],
])('%s', async (...[, line, headers, status]) => {
  const { url } = await start(() => new Response('ok'));
  const lines = [line, ...headers, 'Connection: close', '', ''];
  expect(await raw(url, lines.join('\r\n'))).toContain(`HTTP/1.1 ${status}`);
});

test('a request that is being answered when the server stops is answered', async () => {
  const [arrived, go] = [gate(), gate()];
  const server = await start(async () => {
    arrived.open();
    await go.opened;
    return new Response('whole');
  });
  const answer = fetch(server.url);
  await arrived.opened;
  const stopped = server.stop(10_000);
  await expect(fetch(server.url)).rejects.toThrow();
  go.open();
  const { headers, status } = await answer;
  expect([status, await (await answer).text(), headers.get('connection')]).toEqual([
    200,
    'whole',
    'close',
  ]);
  expect(await stopped).toBe(0);
});

test('a connection that is kept alive does not keep the server', async () => {
  const server = await start(() => new Response('ok'));
  const agent = new Agent({ keepAlive: true });
  const [response] = await once(send(server.url, { agent }).end(), 'response');
  await text(response);
  const before = performance.now();
  expect(await server.stop(10_000)).toBe(0);
  expect(performance.now() - before).toBeLessThan(2_000);
  agent.destroy();
});

test('who takes longer than the grace is cut off, and counted', async () => {
  const arrived = gate();
  const server = await start(() => {
    arrived.open();
    return new Promise<Response>(() => {});
  });
  const answer = fetch(server.url).then(
    () => 'answered',
    () => 'cut off',
  );
  await arrived.opened;
  expect(await server.stop(100)).toBe(1);
  expect(await answer).toBe('cut off');
});

test('a port that is taken is an error of Node, not a server', async () => {
  const { url } = await start(() => new Response('ok'));
  const address = { host: '127.0.0.1', port: Number(new URL(url).port) };
  const handlers = { fetch: () => new Response(), refuse: () => new Response() };
  await expect(startHttpServer(address, handlers)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
