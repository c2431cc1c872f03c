/** Bodies of answers, none larger than what it can rightly be. */

import { FeedUnreadable } from './feed-source.ts';

/** The whole body; throws {@link FeedUnreadable} if it has more than `bytesMax` bytes. */
export async function readBody(response: Response, bytesMax: number): Promise<ArrayBuffer> {
  const announced = response.headers.get('content-length');
  // The length of a body that is compressed on the way says nothing about the content.
  if (announced !== null && !response.headers.has('content-encoding')) {
    if (!(Number(announced) <= bytesMax)) throw new FeedUnreadable('read_unexpected');
    return response.arrayBuffer();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > bytesMax) throw new FeedUnreadable('read_unexpected');
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body.buffer;
}
