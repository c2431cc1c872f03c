/** Reads a body up to a limit while it streams in, so that no header is trusted for it. */

import { concatBytes } from '@cardea/shared/bytes/framing';
import type { Problem } from './problem.ts';

export type BodyRead =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly problem: Problem };

/** The bytes (none if there is no body), or `request_too_large` as soon as they exceed the limit. */
export async function readBody(
  { headers, body }: Pick<Request | Response, 'headers' | 'body'>,
  bytesMax: number,
): Promise<BodyRead> {
  if (Number(headers.get('content-length') ?? 0) > bytesMax) return TOO_LARGE;
  if (body === null) return { ok: true, bytes: new Uint8Array(0) };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { ok: true, bytes: concatBytes(...chunks) };
    length += value.byteLength;
    if (length > bytesMax) {
      await reader.cancel();
      return TOO_LARGE;
    }
    chunks.push(value);
  }
}

/**
 * The same for a request that a server has taken in. It hands out just as many bytes as were stated
 * (RFC 9112 §6.2) and decodes nothing, so a body whose length is stated is read in one go.
 */
export async function readRequestBody(request: Request, bytesMax: number): Promise<BodyRead> {
  const stated = request.headers.get('content-length') ?? '';
  if (!/^[0-9]+$/.test(stated)) return readBody(request, bytesMax);
  if (Number(stated) > bytesMax) return TOO_LARGE;
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.length > bytesMax ? TOO_LARGE : { ok: true, bytes };
}

const TOO_LARGE: BodyRead = { ok: false, problem: { code: 'request_too_large' } };
