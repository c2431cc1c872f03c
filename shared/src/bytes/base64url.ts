/** base64url without padding (RFC 4648 §5, RFC 7515 §2), canonical only. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const INVALID = 255;

const VALUES = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const asciiDecoder = new TextDecoder();

/** The runtime's own codec where it has one: workerd has, Node 24 has not. */
interface NativeBase64 {
  fromBase64?: (text: string, options: object) => Uint8Array<ArrayBuffer>;
  readonly prototype: { toBase64?: (this: Uint8Array, options: object) => string };
}
const native = Uint8Array as unknown as NativeBase64;
const nativeEncode = native.prototype.toBase64;

export function encodeBase64url(bytes: Uint8Array): string {
  if (nativeEncode !== undefined) {
    return nativeEncode.call(bytes, { alphabet: 'base64url', omitPadding: true });
  }
  // As bytes first: of the tail of a head each character would be an object.
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  // Past the end of either array there is nothing to read, and nothing is written.
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const group = (at(bytes, from) << 16) | (at(bytes, from + 1) << 8) | at(bytes, from + 2);
    codes[to] = code(group >> 18);
    codes[to + 1] = code(group >> 12);
    codes[to + 2] = code(group >> 6);
    codes[to + 3] = code(group);
  }
  return asciiDecoder.decode(codes);
}

/** From here on a native codec is faster than the table: signatures and keys are shorter. */
const NATIVE_LENGTH_MIN = 256;

/**
 * The bytes, or `undefined` unless `text` is the one canonical encoding of some bytes: no padding,
 * no white space, no character outside the alphabet, unused trailing bits zero.
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const isLong = text.length >= NATIVE_LENGTH_MIN;
  return isLong && native.fromBase64 !== undefined ? decodeByRuntime(text) : decodeByTable(text);
}

/**
 * What `Uint8Array.fromBase64` is lenient about (ECMA-262, FromBase64 with `loose`) is asked around it,
 * which is cheaper than a look at every character: white space and padding, which it skips, make fewer
 * bytes than the length says, for every length that any bytes have.
 */
function decodeByRuntime(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 === 1 || !hasZeroUnusedBits(text)) return undefined;
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  try {
    bytes = native.fromBase64?.(text, { alphabet: 'base64url' });
  } catch {
    return undefined; // Its only error is a character outside of the alphabet, or one left over.
  }
  return bytes?.length === (text.length * 3) >> 2 ? bytes : undefined;
}

function decodeByTable(text: string): Uint8Array<ArrayBuffer> | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array((text.length * 3) >> 2);
  const wholeGroups = text.length - rest;
  let seen = 0; // All values so far, or-ed: above 63 if one of them was INVALID.
  let length = 0;
  for (let i = 0; i < wholeGroups; i += 4) {
    const a = value(text, i);
    const b = value(text, i + 1);
    const c = value(text, i + 2);
    const d = value(text, i + 3);
    seen |= a | b | c | d;
    bytes[length++] = (a << 2) | (b >> 4);
    bytes[length++] = (b << 4) | (c >> 2);
    bytes[length++] = (c << 6) | d;
  }
  if (rest >= 2) {
    const a = value(text, wholeGroups);
    const b = value(text, wholeGroups + 1);
    const c = rest === 3 ? value(text, wholeGroups + 2) : 0;
    seen |= a | b | c;
    const unusedBits = rest === 3 ? c & 3 : b & 15;
    if (unusedBits !== 0) return undefined;
    bytes[length++] = (a << 2) | (b >> 4);
    if (rest === 3) bytes[length] = (b << 4) | (c >> 2);
  }
  return seen <= 63 ? bytes : undefined;
}

/** Whether the bits of the last character that encode nothing are zero. */
export function hasZeroUnusedBits(text: string): boolean {
  switch (text.length % 4) {
    case 2:
      return (value(text, text.length - 1) & 15) === 0;
    case 3:
      return (value(text, text.length - 1) & 3) === 0;
    default:
      return true;
  }
}

function value(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? (VALUES[code] ?? INVALID) : INVALID;
}

function code(group: number): number {
  return CODES[group & 63] ?? 0;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
