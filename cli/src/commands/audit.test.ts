/**
 * Guarantee: an export is complete or fails, and a problem of the log, or of an export, is one line
 * and exit 1. A server of the test's own answers: what it says, a real log cannot be made to say.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runCli } from '../cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-audit-'));
const asked: Array<{ readonly url: string; readonly body: string }> = [];
let answer: (url: string, body: string, response: ServerResponse) => void = () => {};

const server = createServer((request: IncomingMessage, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    asked.push({ url: request.url ?? '', body });
    answer(request.url ?? '', body, response);
  });
});

let endpoint = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  asked.length = 0;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function audit(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await runCli(['audit', ...args], {
    env: { CARDEA_STATE_FOLDER: folder, CARDEA_ENDPOINT: endpoint, CARDEA_ADMIN_TOKEN: 't' },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    readInput: async () => undefined,
  });
  return { status, out, err };
}

const json = (value: unknown) => (_url: string, _body: string, response: ServerResponse) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
};

test.each([
  ['no place to begin', ['verify', '--from', '0'], /--from must be a position/],
  ['two things at once', ['verify', '--from', '1', '--file', 'x'], /--from or --file/],
  ['too many events', ['list', '--limit', '1001'], /--limit must be a number from 1 to 1000/],
  ['no event', ['list', '--limit', '0'], /--limit must be a number/],
  ['an unknown format', ['list', '--format', 'env'], /--format must be one of/],
])('%s is a usage error', async (_, args, message) => {
  const { status, err } = await audit(...args);
  expect([status, err.length]).toEqual([2, 1]);
  expect(err[0]).toMatch(message);
  expect(asked).toEqual([]);
});

test('list asks with a filter and prints one line an event', async () => {
  const caller = { kind: 'admin_credential', id: 'c\u001b[31m' };
  const event = { time: '2026-01-31T12:00:00.000Z', operation: 'api_key.revoke', target_id: 'k' };
  answer = json({ audit_events: [{ ...event, caller }], next_page_token: '' });
  const listed = await audit('list', '--since', '2026-01-31', '--target', 'a"\\b', '--limit', '7');
  const [call] = asked;
  const query = new URL(call?.url ?? '', endpoint).searchParams;
  expect(query.get('page_size')).toBe('7');
  expect(query.get('filter')).toBe('time>="2026-01-31T00:00:00Z" AND target_id="a\\"\\\\b"');
  const line = '2026-01-31T12:00:00.000Z  api_key.revoke  k  admin_credential c\ufffd[31m';
  expect(listed).toEqual({ status: 0, out: [line], err: [] });
});

test('export prints each line as it came, and says when the answer breaks off', async () => {
  answer = (_url, _body, response) => response.end('{"a":"ü"}\n{"b":2}\n');
  expect(await audit('export')).toEqual({ status: 0, out: ['{"a":"ü"}', '{"b":2}'], err: [] });
  answer = (_url, _body, response) => {
    response.write('{"a":1}\n');
    setTimeout(() => response.destroy(), 20);
  };
  const cut = await audit('export');
  expect([cut.status, cut.out]).toEqual([1, ['{"a":1}']]);
  expect(cut.err).toEqual([expect.stringContaining('broke off')]);
  answer = (_url, _body, response) => response.end('{"a":1}\n{"b"');
  expect((await audit('export')).err).toEqual([expect.stringContaining('ends within a line')]);
});

test('verify goes on until the end of the log and adds up', async () => {
  answer = (url, body, response) => {
    const from = JSON.parse(body).from_position;
    const more = from === undefined ? { next_position: 11 } : {};
    const counts = { verified_count: from === undefined ? 10 : 3, unsealed_count: 1 };
    json({ ...counts, from_position: from ?? 1, head_position: 13, ...more })(url, body, response);
  };
  const { status, out } = await audit('verify', '--format', 'json');
  expect(status).toBe(0);
  expect(JSON.parse(out[0] ?? '')).toMatchObject({ verified_count: 13, head_position: 13 });
  expect(asked.map(({ body }) => body)).toEqual(['{}', '{"from_position":11}']);
});

test('verify names the problem and is exit 1', async () => {
  const problem = { kind: 'altered', position: 4, event_id: 'e', time: '2026-01-31T12:00:00Z' };
  answer = json({ verified_count: 3, unsealed_count: 0, from_position: 1, problem });
  const { status, out, err } = await audit('verify');
  expect(status).toBe(1);
  expect(out.join('\n')).toContain('altered at position 4 (event e, 2026-01-31T12:00:00Z)');
  expect(err).toEqual([expect.stringContaining('no head of the feed has a seal yet')]);
});

test('verify --file compares in pieces and names the line', async () => {
  const file = join(folder, 'export.jsonl');
  const lines = Array.from({ length: 1200 }, (_, i) => JSON.stringify({ event_id: `e${i}` }));
  writeFileSync(file, `${lines.slice(0, 3).join('\n')}\n\n${lines.slice(3).join('\n')}`);
  answer = (url, body, response) => {
    const events: Array<{ event_id: string }> = JSON.parse(body).audit_events;
    const wrong = events.findIndex(({ event_id: id }) => id === 'e1100');
    const good = { compared_count: events.length, pruned_count: 1 };
    const problem = { kind: 'missing', position: 5, event_id: 'e1100' };
    const bad = { compared_count: wrong, pruned_count: 0, problem };
    json(wrong === -1 ? good : bad)(url, body, response);
  };
  const found = await audit('verify', '--file', file);
  expect(found.status).toBe(1);
  expect(found.out).toEqual([
    'compared_count  1100',
    'line            1102', // Of the file: its fourth line is empty.
    'problem         missing at position 5 (event e1100)',
  ]);
  expect(asked).toHaveLength(3);
  writeFileSync(file, `${lines.slice(0, 1000).join('\n')}\n`);
  const { status, out } = await audit('verify', '--file', file, '--format', 'json');
  expect([status, out]).toEqual([0, ['{"compared_count":1000,"pruned_count":2}']]);
});

test.each([
  ['is not there', join(folder, 'nothing'), /cannot read the export \(ENOENT\)/],
  ['is a folder', folder, /cannot read the export \(EISDIR\)/],
])('an export that %s is one line and exit 1', async (_, file, message) => {
  const { status, err } = await audit('verify', '--file', file);
  expect([status, err.length]).toEqual([1, 1]);
  expect(err[0]).toMatch(message);
});

test('an export that is not JSON is named by its line', async () => {
  const file = join(folder, 'broken.jsonl');
  writeFileSync(file, '{"event_id":"a"}\nnonsense\n');
  expect(await audit('verify', '--file', file)).toMatchObject({
    status: 1,
    err: [expect.stringContaining('line 2 of the export is not JSON')],
  });
});
