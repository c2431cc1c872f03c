/** Base58 with Bitcoin's alphabet: digits and letters without 0, O, I and l. */

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Quadratic in the length: for short inputs (keys and checksums) only. */
export function encodeBase58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let i = 0; i < digits.length; i++) {
      carry += (digits[i] ?? 0) * 256;
      digits[i] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    while (carry > 0) {
      digits.push(carry % 58);
      carry = Math.floor(carry / 58);
    }
  }
  let text = '';
  for (let i = 0; i < bytes.length && bytes[i] === 0; i++) text += '1';
  for (let i = digits.length - 1; i >= 0; i--) text += ALPHABET.charAt(digits[i] ?? 0);
  return text;
}

/** The bytes, or `undefined` if a character is outside the alphabet. One text per byte string. */
export function decodeBase58(text: string): Uint8Array<ArrayBuffer> | undefined {
  const reversed: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const digit = VALUES[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return undefined;
    let carry = digit;
    for (let j = 0; j < reversed.length; j++) {
      carry += (reversed[j] ?? 0) * 58;
      reversed[j] = carry & 0xff;
      carry >>= 8;
    }
    while (carry > 0) {
      reversed.push(carry & 0xff);
      carry >>= 8;
    }
  }
  for (let i = 0; i < text.length && text[i] === '1'; i++) reversed.push(0);
  return Uint8Array.from(reversed.reverse());
}
