/**
 * Guarantee: whatever bytes arrive, the edge talks to its one origin only, about the path that its
 * policy matched, one request for one request (threats 10, 11, 13). Raw sockets, bare workerd.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RawEdge, startRawEdge } from './harness/raw-edge.ts';

let edge: RawEdge;
let credential = '';

beforeAll(async () => {
  edge = await startRawEdge([
    { path: '/v1/notes/*', scopes: ['notes:read'] },
    { path: '/v1/admin/*', scopes: ['held:by-nobody'] },
    { path: '/public/*', public: true },
  ]);
  credential = `Authorization: Bearer ${edge.token}\r\n`;
});
afterAll(() => edge?.stop());
beforeEach(() => void edge.takeSeen());

const statusesOf = (answers: string) =>
  [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

const get = (target: string, headers = 'Host: api.test\r\n') =>
  edge.send(`GET ${target} HTTP/1.1\r\n${headers}${credential}Connection: close\r\n\r\n`);

const seenTargets = () => edge.takeSeen().map(({ target }) => target);

describe('where requests go (threat 11)', () => {
  test.each([
    ['/v1/notes', 'Host: api.test\r\n'],
    ['/v1/notes', 'Host: evil.test\r\n'],
    ['/v1/notes', 'Host: 169.254.169.254\r\n'],
    ['/v1/notes', 'Host: localhost:1\r\n'],
    ['http://evil.test/v1/notes', 'Host: api.test\r\n'],
    ['http://evil.test:22/v1/notes', 'Host: evil.test\r\n'],
    ['http://user:pass@evil.test/v1/notes', 'Host: api.test\r\n'],
    ['ftp://evil.test/v1/notes', 'Host: api.test\r\n'],
    ['/v1/notes', 'Host: api.test\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\n'],
    ['/v1/notes', 'Host: api.test\r\nX-Original-URL: /v1/admin\r\nX-Rewrite-URL: /v1/admin\r\n'],
  ])('%s with %j reaches the origin and nobody else', async (target, headers) => {
    expect(statusesOf(await get(target, headers))).toEqual([200]);
    const [seen, ...others] = edge.takeSeen();
    expect(others).toEqual([]);
    expect(seen).toMatchObject({ target: '/base/v1/notes' });
    expect(seen?.headers.host).toEqual([edge.originHost]);
    expect(seen?.headers).not.toHaveProperty('x-original-url');
    expect(seen?.headers).not.toHaveProperty('forwarded');
  });

  test.each([
    '//evil.test/v1/notes',
    '//evil.test@api.test/v1/notes',
    '/@evil.test/v1/notes',
    '/v1/notes@evil.test',
    '@evil.test/v1/notes',
    'evil.test/v1/notes',
    '*',
    '\\\\evil.test\\v1\\notes',
  ])('%s reaches nobody', async (target) => {
    const [status = 0] = statusesOf(await get(target));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(edge.takeSeen()).toEqual([]);
  });

  // workerd joins Host and target into one URL; whatever comes of it, policy and origin see the same.
  test.each([
    ['/v1/admin', 'Host: api.test/v1/notes?\r\n', [200, '/base/v1/notes?/v1/admin']],
    ['/v1/admin', 'Host: api.test/public?\r\n', [200, '/base/public?/v1/admin']],
    ['/v1/notes', 'Host: api.test/v1/admin?\r\n', [403]],
    ['/v1/notes', 'Host: api.test/v1/admin/\r\n', [400]],
  ])('%s with %j is decided and sent on as one path', async (target, headers, expected) => {
    const answer = await get(target, headers);
    expect([...statusesOf(answer), ...seenTargets()]).toEqual(expected);
  });

  test.each([
    ...['api.test#', 'api.test?', 'api.test\\', 'user:pass@evil.test', 'a"<>b', 'a b', 'a\tb', ''],
    'api.test\r\nHost: evil.test',
  ])('the Host %j is refused', async (host) => {
    expect(statusesOf(await get('/v1/notes', `Host: ${host}\r\n`))).toEqual([400]);
    expect(edge.takeSeen()).toEqual([]);
  });
});

describe('which path the origin gets (threat 13)', () => {
  test.each([
    '/v1/notes/../admin',
    '/v1/notes/..',
    '/v1/notes/./x',
    '/v1/notes/%2e%2e/admin',
    '/v1/notes/%2E%2E%2Fadmin',
    '/v1/notes/..%2fadmin',
    '/v1/notes/..;/admin',
    '/v1/notes/..\\admin',
    '/v1/notes%5c..%5cadmin',
    '/v1/notes/%252e%252e/admin',
    '/v1/notes//admin',
    '/v1//admin',
    '/v1/%61dmin',
    '/v1/admin;x',
    '/public/../v1/admin',
    '/public/%2e%2e/v1/admin',
    '/public/%c0%ae%c0%ae/v1/admin',
    '/public/%00',
    '/v1/notes/{x}',
    '/v1/notes/\u00c3\u00a9', // The bytes of "é" in UTF-8
  ])('%s is refused as ambiguous', async (target) => {
    const answer = await get(target);
    expect([statusesOf(answer), answer.includes('"code":"path_ambiguous"')]).toEqual([[400], true]);
    expect(edge.takeSeen()).toEqual([]);
  });

  test.each([
    '/v1/notes/a%20b',
    '/v1/notes/%c3%a9',
    '/v1/notes/%C3%A9/',
    '/v1/notes/100%25?a=%2F..%2F&b=//',
    "/v1/notes/!$&'()*+,=:@~",
    '/v1/notes/x%3Fy?z=%00',
  ])('%s arrives byte for byte', async (target) => {
    expect(statusesOf(await get(target))).toEqual([200]);
    expect(seenTargets()).toEqual([`/base${target}`]);
  });

  test('what a rule for another path protects stays protected', async () => {
    expect(statusesOf(await get('/v1/admin'))).toEqual([403]);
    expect(edge.takeSeen()).toEqual([]);
  });
});

describe('one request for one request (threat 10)', () => {
  const smuggled = 'GET /v1/admin/smuggled HTTP/1.1\r\nHost: api.test\r\nX-Smuggled: yes\r\n\r\n';
  const post = (headers: string, body: string) =>
    edge.send(`POST /v1/notes HTTP/1.1\r\nHost: api.test\r\n${credential}${headers}\r\n${body}`);

  test('a body with a length and a chunked one arrive whole', async () => {
    await post('Content-Length: 5\r\nConnection: close\r\n', 'hello');
    await post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '5\r\nhello\r\n0\r\n\r\n');
    expect(edge.takeSeen().map(({ body }) => body)).toEqual(['hello', 'hello']);
  });

  test.each([
    ['CL.TE', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${smuggled}`],
    ['TE.CL', `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n`, `0\r\n\r\n${smuggled}`],
    [
      'TE twice',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
      `0\r\n\r\n${smuggled}`,
    ],
    ['TE list', 'Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${smuggled}`],
    ['TE unknown', 'Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`],
    [
      'TE with a space',
      'Transfer-Encoding : chunked\r\nContent-Length: 4\r\n',
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'TE with a tab',
      'Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n',
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'TE folded',
      'Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n',
      `0\r\n\r\n${smuggled}`,
    ],
    [
      'TE with underscore',
      'Transfer_Encoding: chunked\r\nContent-Length: 4\r\n',
      `0\r\n\r\n${smuggled}`,
    ],
    ['CL twice', 'Content-Length: 0\r\nContent-Length: 80\r\n', smuggled],
    ['CL list', 'Content-Length: 0, 80\r\n', smuggled],
    ['CL signed', 'Content-Length: +0\r\n', smuggled],
    ['CL negative', 'Content-Length: -1\r\n', smuggled],
    ['CL hexadecimal', 'Content-Length: 0x0\r\n', smuggled],
    ['CL too long', 'Content-Length: 18446744073709551616\r\n', smuggled],
    ['chunk extension', 'Transfer-Encoding: chunked\r\n', `0;x=\r\n\r\n${smuggled}`],
    ['chunk size signed', 'Transfer-Encoding: chunked\r\n', `+0\r\n\r\n${smuggled}`],
    ['chunk without CR', 'Transfer-Encoding: chunked\r\n', `0\n\n${smuggled}`],
    ['hop-by-hop identity', 'Connection: cardea-key-id\r\nContent-Length: 0\r\n', smuggled],
  ])('%s', async (_, headers, body) => {
    const answers = await post(headers, body);
    // Bytes after the first request are the next request of the same client, without a token.
    expect(
      statusesOf(answers)
        .slice(1)
        .every((status) => status >= 400),
    ).toBe(true);
    const seen = edge.takeSeen();
    expect(seen.length).toBeLessThanOrEqual(1);
    for (const { target, headers: received, body: arrived } of seen) {
      expect(target).toBe('/base/v1/notes');
      expect(received).not.toHaveProperty('x-smuggled');
      expect(received['cardea-key-id']).toHaveLength(1);
      const framings = [received['content-length'], received['transfer-encoding']].flat();
      expect(framings.filter((value) => value !== undefined).length).toBeLessThanOrEqual(1);
      expect(arrived).not.toContain('smuggled');
    }
  });

  test('a GET with a body is not passed on', async () => {
    const request = `GET /v1/notes HTTP/1.1\r\nHost: api.test\r\n${credential}Content-Length: 5\r\n`;
    const answer = await edge.send(`${request}Connection: close\r\n\r\nhello`);
    expect(statusesOf(answer)).toEqual([400]);
    expect(edge.takeSeen()).toEqual([]);
    expect(statusesOf(await get('/v1/notes', 'Host: api.test\r\nContent-Length: 0\r\n'))).toEqual([
      200,
    ]);
  });

  test.each(['TRACE', 'CONNECT', 'PURGE', 'PROPFIND', 'get', 'FOO'])(
    '%s is not passed on',
    async (method) => {
      const target = method === 'CONNECT' ? 'evil.test:443' : '/v1/notes';
      const answer = await edge.send(
        `${method} ${target} HTTP/1.1\r\nHost: api.test\r\n${credential}Connection: close\r\n\r\n`,
      );
      const [status = 0] = statusesOf(answer);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(edge.takeSeen()).toEqual([]);
    },
  );

  test('header values with control characters do not reach the origin as new lines', async () => {
    for (const value of ['a\rX-Injected: 1', 'a\u0000b', 'a\u000bb']) {
      await get('/v1/notes', `Host: api.test\r\nX-Value: ${value}\r\n`);
    }
    for (const { headers } of edge.takeSeen()) expect(headers).not.toHaveProperty('x-injected');
  });

  test.each(['Cardea-Actor', 'CARDEA_ACTOR', 'cardea.actor', 'X-Auth-User', 'x_forwarded_user'])(
    'a second identity under the name %s does not arrive',
    async (name) => {
      await get('/v1/notes', `Host: api.test\r\n${name}: spoofed\r\n${name}: again\r\n`);
      const [seen] = edge.takeSeen();
      expect(seen).toMatchObject({ target: '/base/v1/notes' });
      expect(JSON.stringify(seen)).not.toMatch(/spoofed|again/);
    },
  );
});
