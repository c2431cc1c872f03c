/** Times as administrators write them (RFC 3339 §5.6). No I/O. */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';

const RFC_3339 =
  /^\d{4}-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:[0-5]\d)$/;

/** Milliseconds, what is finer is cut off; `undefined` if it is no time. */
export function parseTimestamp(text: string): UnixMilliseconds | undefined {
  if (!RFC_3339.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : unixMilliseconds(time);
}
