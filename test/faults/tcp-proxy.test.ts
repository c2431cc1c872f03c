/** Guarantee: the proxy fails in the ways that it says, so that tests behind it show what they claim. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let echo: Server;
let proxy: TcpProxy;
beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startTcpProxy({ port: (echo.address() as AddressInfo).port });
});
afterEach(async () => {
  await proxy.dispose();
  echo.close();
});

/** A connection and what has come back on it; `end` says how it ended. */
function open() {
  const socket = connect(proxy.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  const end = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.once('close', () => resolve('closed'));
  });
  const until = async (text: string) => {
    while (received !== text) await once(socket, 'data');
  };
  return { socket, end, until, received: () => received };
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('data passes, and so does the end', async () => {
  const { socket, until, end } = open();
  socket.write('hello');
  await until('hello');
  socket.destroy();
  expect(await end).toBe('closed');
  expect(proxy.accepted()).toBe(1);
  expect(proxy.through('postgres://u:p@db.example:5432/name?x=1')).toBe(
    `postgres://u:p@127.0.0.1:${proxy.port}/name?x=1`,
  );
});

test('refuse: open connections are reset, new ones are refused, until it passes again', async () => {
  const before = open();
  before.socket.write('a');
  await before.until('a');
  await proxy.setMode('refuse');
  expect(await before.end).toBe('ECONNRESET');
  expect(await open().end).toBe('ECONNREFUSED');
  await proxy.setMode('pass');
  const after = open();
  after.socket.write('b');
  await after.until('b');
  after.socket.destroy();
});

test('blackhole: nothing passes and nothing ends, and what was held comes when it passes', async () => {
  const { socket, until, received } = open();
  socket.write('a');
  await until('a');
  await proxy.setMode('blackhole');
  socket.write('b');
  await sleep(50);
  expect([received(), socket.readyState]).toEqual(['a', 'open']);
  await proxy.setMode('pass');
  await until('ab');
  socket.destroy();
});

test('cut: open connections are reset, new ones pass', async () => {
  const before = open();
  before.socket.write('a');
  await before.until('a');
  proxy.cut();
  expect(await before.end).toBe('ECONNRESET');
  const after = open();
  after.socket.write('b');
  await after.until('b');
  after.socket.destroy();
});

test.each(['to_target', 'from_target'] as const)('cutAfter %s: so many bytes pass', async (way) => {
  proxy.cutAfter(way, 3);
  const { socket, end, received } = open();
  socket.write('hello');
  expect(await end).toBe('ECONNRESET');
  expect('hel'.startsWith(received())).toBe(true);
  const after = open();
  after.socket.write('hello');
  await after.until('hello');
  after.socket.destroy();
});

test('setDelay: each way takes so long', async () => {
  proxy.setDelay(60);
  const { socket, until } = open();
  const before = performance.now();
  socket.write('a');
  await until('a');
  expect(performance.now() - before).toBeGreaterThan(110);
  socket.destroy();
});

test('what is not delayed any more does not overtake what is', async () => {
  proxy.setDelay(60);
  const { socket, until } = open();
  socket.write('a');
  await sleep(10);
  proxy.setDelay(0);
  socket.write('b');
  await until('ab');
  socket.destroy();
});
