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

export function textBody(pair: object): PortionedBody {
  const bytes = new TextEncoder().encode(JSON.stringify([pair]));
  return { length: bytes.length, portions: [bytes] };
}

/** {@link textBody} of a pair whose value is `content`, in base64 (RFC 4648 §4). Never there as a whole. */
export function binaryBody(pair: object, content: Uint8Array): PortionedBody {
  const encoder = new TextEncoder();
  const empty = JSON.stringify([{ ...pair, base64: true, value: '' }]);
  const start = encoder.encode(empty.slice(0, -END.length));
  const end = encoder.encode(END);
  function* portions() {
    yield start;
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.length); // No copy.
    const buffer = Buffer.alloc(base64LengthOf(PORTION_BYTES));
    for (let at = 0; at < bytes.length; at += PORTION_BYTES) {
      const base64 = bytes.toString('base64', at, at + PORTION_BYTES);
      yield buffer.subarray(0, buffer.write(base64, 'latin1'));
    }
    yield end;
  }
  const length = start.length + base64LengthOf(content.length) + end.length;
  return { length, portions: portions() };
}

function base64LengthOf(length: number): number {
  return Math.ceil(length / 3) * 4;
}
