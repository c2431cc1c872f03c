/** `X-Request-ID`: taken over from the client if it is safe to log and to echo, else made here. */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import { REQUEST_ID_HEADER_BYTES_MAX } from '../limits.ts';

/** Printable ASCII without what needs quoting in logs: no space, quotes, comma or backslash. */
const SAFE = /^[A-Za-z0-9._:@/+=~-]+$/;

export function requestIdOf(headers: Headers, randomBytes: RandomBytes): string {
  const sent = headers.get('x-request-id');
  if (sent !== null && sent.length <= REQUEST_ID_HEADER_BYTES_MAX && SAFE.test(sent)) return sent;
  return formatUuid(uuidV4FromRandom(randomBytes(16)));
}
