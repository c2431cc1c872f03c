/**
 * The sample API behind the edge: notes. It knows nothing of tokens; it believes the edge about
 * who calls and refuses whoever does not come by the edge.
 *
 *   GET    /public/ping      for everybody
 *   GET    /v1/notes         the notes, and who asked
 *   GET    /v1/notes/echo    what arrived: method, target, headers
 *   POST   /v1/notes         {"text":"…"}
 *   DELETE /v1/notes/{id}
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseJsonObject } from '../json-object.ts';
import { type Caller, callerOf } from './caller.ts';
import { createNotes, NOTE_LENGTH_MAX, type Notes } from './notes.ts';

const BODY_BYTES_MAX = 64 * 1024;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** A server with notes of its own; the caller makes it listen. */
export function createSampleApi(): Server {
  const notes = createNotes();
  return createServer((request, response) => {
    answerTo(request, notes).then(
      (answer) => send(response, answer),
      () => response.destroy(), // The client went away in the middle of its body.
    );
  });
}

async function answerTo(request: IncomingMessage, notes: Notes): Promise<Answer> {
  const target = new URL(request.url ?? '/', 'http://sample.invalid');
  const route = `${request.method} ${target.pathname}`;
  if (route === 'GET /public/ping') return { status: 200, body: { status: 'ok' } };

  const caller = callerOf(request.headers);
  if (caller === undefined) return refusal(403, 'not_from_the_edge');
  if (route === 'GET /v1/notes') return { status: 200, body: { caller, notes: notes.list() } };
  if (route === 'GET /v1/notes/echo') return { status: 200, body: { caller, ...echo(request) } };
  if (route === 'POST /v1/notes') return addNote(await readBody(request), caller, notes);
  const id = /^\/v1\/notes\/([^/]+)$/.exec(target.pathname)?.[1];
  if (request.method === 'DELETE' && id !== undefined) {
    return notes.remove(id) ? { status: 204 } : refusal(404, 'no_such_note');
  }
  return refusal(404, 'no_such_route');
}

function addNote(body: string | undefined, caller: Caller, notes: Notes): Answer {
  if (body === undefined) return refusal(413, 'body_too_large');
  const text = parseJsonObject(body)?.text;
  if (typeof text !== 'string' || text === '' || text.length > NOTE_LENGTH_MAX) {
    return refusal(400, 'text_must_be_a_string');
  }
  return { status: 201, body: notes.add(text, caller.actor ?? caller.key_id) };
}

/** Names and values in the order and spelling in which they arrived, duplicates included. */
function echo({ method, url, rawHeaders }: IncomingMessage) {
  const headers = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? '']] : [],
  );
  return { method, target: url, headers };
}

function refusal(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** The body as text, or `undefined` if it is longer than the sample reads. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    // The rest is read and dropped, so that the answer still reaches the client.
    if (length <= BODY_BYTES_MAX) chunks.push(bytes);
  }
  return length > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status;
  if (body === undefined) {
    response.end();
    return;
  }
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(body)}\n`);
}
