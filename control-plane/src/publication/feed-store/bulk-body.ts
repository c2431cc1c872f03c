/** Bodies of bulk writes to KV's API: one pair each, of a length that is known before. Pure. */

export interface PortionedBody {
  /** Bytes. */
  readonly length: number;
  /** Each of them is only there until the next one is asked for. */
  readonly portions: Iterable<Uint8Array>;
}

/** A multiple of 3: base64 of such portions is base64 of the whole. */
const PORTION_BYTES = 24 * 1024;
/** What follows the value in a pair whose last member it is. */
const END = '"}]';
const PADDING = '='.charCodeAt(0);
/** RFC 4648 §4. */
const CODES = new TextEncoder().encode(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
);

export function textBody(pair: object): PortionedBody {
  const bytes = new TextEncoder().encode(JSON.stringify([pair]));
  return { length: bytes.length, portions: [bytes] };
}

/** {@link textBody} of a pair whose value is `content`, in base64. Never there as a whole. */
export function binaryBody(pair: object, content: Uint8Array): PortionedBody {
  const encoder = new TextEncoder();
  const empty = JSON.stringify([{ ...pair, base64: true, value: '' }]);
  const start = encoder.encode(empty.slice(0, -END.length));
  const end = encoder.encode(END);
  function* portions() {
    yield start;
    const buffer = new Uint8Array(base64LengthOf(PORTION_BYTES));
    for (let at = 0; at < content.length; at += PORTION_BYTES) {
      const length = writeBase64(buffer, content.subarray(at, at + PORTION_BYTES));
      yield buffer.subarray(0, length);
    }
    yield end;
  }
  const length = start.length + base64LengthOf(content.length) + end.length;
  return { length, portions: portions() };
}

function base64LengthOf(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** Answers how many bytes it has written. */
function writeBase64(to: Uint8Array, bytes: Uint8Array): number {
  const { length } = bytes;
  let end = 0;
  // Past the end there is nothing to read: zeros, as the standard has it.
  for (let at = 0; at < length; at += 3) {
    const group = (byteAt(bytes, at) << 16) | (byteAt(bytes, at + 1) << 8) | byteAt(bytes, at + 2);
    to[end++] = code(group >> 18);
    to[end++] = code(group >> 12);
    to[end++] = code(group >> 6);
    to[end++] = code(group);
  }
  if (length % 3 !== 0) to.fill(PADDING, end - 3 + (length % 3), end);
  return end;
}

function code(group: number): number {
  return CODES[group & 63] ?? 0;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
