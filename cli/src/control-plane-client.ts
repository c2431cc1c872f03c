/**
 * HTTP calls to the control plane, and its refusals as one line with the server's stable code.
 * Never puts a credential into a message.
 */

import { CommandFailed, ControlPlaneRefused } from './failure.ts';
import { asJsonObject, parseJsonObject, textOf } from './json-object.ts';
import { printable } from './output.ts';
import { splitLines } from './split-lines.ts';

/** How long a call may take, milliseconds. The control plane's own limit is 15 s. */
const CALL_MILLISECONDS_MAX = 30_000;
/** The same for an answer of many lines. */
const LONG_CALL_MILLISECONDS_MAX = 30 * 60_000;

type JsonObject = Readonly<Record<string, unknown>>;

export interface Call {
  readonly endpoint: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly adminToken?: string;
  /** The tenant to act on; absent: the one of the host. */
  readonly tenant?: string;
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded` (RFC 6749 §4.4.2). */
  readonly form?: Readonly<Record<string, string>>;
  /** Hears what the server remarks beside a good answer, one line each. */
  readonly onRemark?: (line: string) => void;
}

/** Headers in which the control plane remarks on a good answer. */
const REMARKS = [
  ['cardea-warning', 'warning'],
  ['cardea-claims-ignored', 'claims that were left out'],
] as const;

/** The answer's JSON object; `{}` for an empty answer. Refusals are thrown as `ControlPlaneRefused`. */
export async function callJson(call: Call): Promise<JsonObject> {
  const response = await send(call);
  const text = await response.text();
  const body = parseJsonObject(text);
  if (response.ok) {
    if (text !== '' && body === undefined) {
      throw new CommandFailed(`${call.endpoint} did not answer with JSON: is it a control plane?`);
    }
    for (const [header, meaning] of REMARKS) {
      const remark = response.headers.get(header);
      if (remark !== null) call.onRemark?.(printable(`${meaning}: ${remark}`));
    }
    return body ?? {};
  }
  throw new ControlPlaneRefused(response.status, describeRefusal(response.status, body));
}

/** The lines of a long answer, as they arrive. Refusals are thrown as `ControlPlaneRefused`. */
export async function* callLines(call: Call): AsyncGenerator<string> {
  const response = await send(call, LONG_CALL_MILLISECONDS_MAX);
  if (!response.ok) {
    const body = parseJsonObject(await response.text());
    throw new ControlPlaneRefused(response.status, describeRefusal(response.status, body));
  }
  let rest = '';
  try {
    if (response.body !== null) rest = yield* splitLines(response.body);
  } catch (error) {
    // A stream that ends too early is an error of the connection: half an answer must not pass.
    throw new CommandFailed(`the answer of ${call.endpoint} broke off${causeOf(error)}`);
  }
  if (rest !== '') throw new CommandFailed(`the answer of ${call.endpoint} ends within a line`);
}

async function send(call: Call, milliseconds = CALL_MILLISECONDS_MAX): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (call.adminToken !== undefined) headers.set('authorization', `Bearer ${call.adminToken}`);
  if (call.tenant !== undefined) headers.set('cardea-tenant', call.tenant);
  const init: RequestInit = {
    method: call.method,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(milliseconds),
  };
  if (call.json !== undefined) {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(call.json);
  } else if (call.form !== undefined) {
    init.body = new URLSearchParams(call.form);
  }
  try {
    return await fetch(`${call.endpoint}${call.path}`, init);
  } catch (error) {
    // fetch throws for every network failure; its cause says which.
    const cause = causeOf(error, milliseconds);
    throw new CommandFailed(`cannot reach the control plane at ${call.endpoint}${cause}`);
  }
}

function causeOf(error: unknown, milliseconds = LONG_CALL_MILLISECONDS_MAX): string {
  if (!(error instanceof Error)) return '';
  if (error.name === 'TimeoutError') return ` (no answer in ${milliseconds / 1000} s)`;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === '' ? '' : ` (${code})`;
}

/** `code: text (HTTP 404)` from either error form that the control plane speaks. */
function describeRefusal(status: number, body: JsonObject | undefined): string {
  const { code, text } = readOAuthError(body) ?? readApiError(body) ?? { code: '', text: '' };
  const parts = [code, text].filter((part) => part !== '').map(printable);
  return `${parts.join(': ') || 'the control plane refused'} (HTTP ${status})`;
}

interface ErrorText {
  readonly code: string;
  readonly text: string;
}

/** RFC 6749 §5.2: `{"error":"invalid_client","error_description":"…"}`. */
function readOAuthError(body: JsonObject | undefined): ErrorText | undefined {
  if (typeof body?.error !== 'string') return undefined;
  return { code: body.error, text: textOf(body.error_description) };
}

/** AIP-193: `{"error":{"message":"…","status":"NOT_FOUND","details":[{"reason":"…"}]}}`. */
function readApiError(body: JsonObject | undefined): ErrorText | undefined {
  const error = asJsonObject(body?.error);
  if (error === undefined) return undefined;
  const details = Array.isArray(error.details) ? error.details : [];
  const reasons = details.map((detail) => textOf(asJsonObject(detail)?.reason)).filter(Boolean);
  return { code: (reasons[0] ?? textOf(error.status)).toLowerCase(), text: textOf(error.message) };
}
