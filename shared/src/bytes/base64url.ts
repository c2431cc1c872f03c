/** base64url without padding (RFC 4648 §5, RFC 7515 §2), canonical only. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const INVALID = 255;

const VALUES = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

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
  let text = '';
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const group = (at(bytes, i) << 16) | (at(bytes, i + 1) << 8) | at(bytes, i + 2);
    text += digit(group >> 18) + digit(group >> 12) + digit(group >> 6) + digit(group);
  }
  if (i + 1 === bytes.length) {
    const group = at(bytes, i) << 4;
    text += digit(group >> 6) + digit(group);
  } else if (i + 2 === bytes.length) {
    const group = (at(bytes, i) << 10) | (at(bytes, i + 1) << 2);
    text += digit(group >> 12) + digit(group >> 6) + digit(group);
  }
  return text;
}

/**
 * The bytes, or `undefined` unless `text` is the one canonical encoding of some bytes: no padding,
 * no white space, no character outside the alphabet, unused trailing bits zero.
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!isCanonicalBase64url(text)) return undefined;
  if (native.fromBase64 !== undefined) {
    return native.fromBase64(text, { alphabet: 'base64url' });
  }
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let group = 0;
  let bits = 0;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    group = ((group << 6) | value(text, i)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (group >> bits) & 0xff;
    }
  }
  return bytes;
}

const ALPHABET_ONLY = /^[A-Za-z0-9_-]*$/;

/** Whether `text` is the canonical base64url encoding of some bytes, without decoding it. */
export function isCanonicalBase64url(text: string): boolean {
  if (!ALPHABET_ONLY.test(text)) return false;
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return (value(text, text.length - 1) & 15) === 0;
    case 3:
      return (value(text, text.length - 1) & 3) === 0;
    default:
      return false;
  }
}

function value(text: string, index: number): number {
  return VALUES[text.charCodeAt(index)] ?? INVALID;
}

function digit(group: number): string {
  return ALPHABET.charAt(group & 63);
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
