/** Guarantee: the sample answers nobody who does not come by the edge, and stays within bounds. */

import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSampleApi } from './server.ts';

const server = createSampleApi();
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (typeof address === 'object') port = address?.port ?? 0;
});
afterAll(() => void server.close());

const IDENTITY = {
  'cardea-key-id': '3f1c',
  'cardea-actor': 'al%20ice%F0%9F%98%80',
  'cardea-tenant': '7d0c',
  'cardea-scopes': 'notes:read a%20b',
  'cardea-token-id': '9b2e',
};

const CALLER = {
  key_id: '3f1c',
  actor: 'al ice\u{1f600}',
  tenant: '7d0c',
  scopes: ['notes:read', 'a b'],
  token_id: '9b2e',
};

const request = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: IDENTITY, ...init });

test('the public route answers everybody', async () => {
  const response = await request('/public/ping', { headers: {} });
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
});

test.each([
  ['GET', '/v1/notes'],
  ['GET', '/v1/notes/echo'],
  ['POST', '/v1/notes'],
  ['DELETE', '/v1/notes/1'],
  ['GET', '/elsewhere'],
])('%s %s refuses a request without the edge’s identity', async (method, path) => {
  for (const missing of ['cardea-key-id', 'cardea-tenant', 'cardea-token-id']) {
    const { [missing as 'cardea-key-id']: _, ...headers } = IDENTITY;
    const response = await request(path, { method, headers });
    expect([response.status, await response.json()]).toEqual([403, { error: 'not_from_the_edge' }]);
  }
});

test('notes are added, listed with who asked, and removed', async () => {
  const added = await request('/v1/notes', { method: 'POST', body: '{"text":"milk"}' });
  expect(added.status).toBe(201);
  const note = { id: '1', text: 'milk', author: CALLER.actor };
  expect(await added.json()).toEqual(note);
  const list = async () => (await request('/v1/notes')).json();
  expect(await list()).toEqual({ caller: CALLER, notes: [note] });
  expect((await request('/v1/notes/1', { method: 'DELETE' })).status).toBe(204);
  expect((await request('/v1/notes/1', { method: 'DELETE' })).status).toBe(404);
  expect(await list()).toEqual({ caller: CALLER, notes: [] });
});

test.each([
  ['no JSON', 'x', 400],
  ['a list', '[]', 400],
  ['no text', '{}', 400],
  ['an empty text', '{"text":""}', 400],
  ['a number for a text', '{"text":1}', 400],
  ['a body beyond the limit', JSON.stringify({ text: 'x'.repeat(70_000) }), 413],
])('a note that is %s is refused', async (_, body, status) => {
  const response = await request('/v1/notes', { method: 'POST', body });
  expect(response.status).toBe(status);
});

test('notes beyond the limit push the oldest out', async () => {
  for (let i = 0; i < 1002; i++) {
    await request('/v1/notes', { method: 'POST', body: `{"text":"${i}"}` });
  }
  const { notes } = await (await request('/v1/notes')).json();
  expect(notes).toHaveLength(1000);
  expect([notes[0].text, notes[999].text]).toEqual(['2', '1001']);
});

test('the echo shows every header as it arrived, duplicates and spelling included', async () => {
  const head = Object.entries(IDENTITY).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await raw(
    `GET /v1/notes/echo?q=%2e HTTP/1.1\r\nHost: h\r\n${head.join('')}X-Twice: 1\r\nx-tWICE: 2\r\n` +
      'Connection: close\r\n\r\n',
  );
  const body = JSON.parse(
    answer
      .split('\r\n\r\n')[1]
      ?.replace(/^[0-9a-f]+\r\n/, '')
      .split('\n')[0] ?? '',
  );
  expect(body.target).toBe('/v1/notes/echo?q=%2e');
  expect(body.headers).toContainEqual(['X-Twice', '1']);
  expect(body.headers).toContainEqual(['x-tWICE', '2']);
});

test('a client that leaves in the middle of its body does not end the server', async () => {
  const socket = connect(port, '127.0.0.1');
  const head = Object.entries(IDENTITY).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /v1/notes HTTP/1.1\r\nHost: h\r\n${head.join('')}Content-Length: 99\r\n\r\n{`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  expect((await request('/public/ping')).status).toBe(200);
});

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}
