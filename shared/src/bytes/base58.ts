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

/** Four digits a step into limbs of 24 bits: every product stays below 2^48, so it is exact. */
const DIGITS_PER_STEP = 4;
const LIMB = 2 ** 24;

/** The bytes, or `undefined` if a character is outside the alphabet. One text per byte string. */
export function decodeBase58(text: string): Uint8Array<ArrayBuffer> | undefined {
  const limbs: number[] = []; // Least significant first.
  for (let i = 0; i < text.length; i += DIGITS_PER_STEP) {
    const end = Math.min(i + DIGITS_PER_STEP, text.length);
    let factor = 1;
    let carry = 0;
    for (let j = i; j < end; j++) {
      const digit = VALUES[text.charCodeAt(j)] ?? -1;
      if (digit < 0) return undefined;
      factor *= 58;
      carry = carry * 58 + digit;
    }
    for (let j = 0; j < limbs.length; j++) {
      const sum = (limbs[j] ?? 0) * factor + carry;
      carry = Math.floor(sum / LIMB);
      limbs[j] = sum - carry * LIMB;
    }
    if (carry > 0) limbs.push(carry);
  }
  return bytesOf(limbs, leadingOnes(text));
}

/** Each leading "1" is a zero byte of its own. */
function leadingOnes(text: string): number {
  let count = 0;
  while (count < text.length && text[count] === '1') count++;
  return count;
}

/** The number in `limbs`, big-endian without leading zeros, after `zeroBytes` zeros. */
function bytesOf(limbs: readonly number[], zeroBytes: number): Uint8Array<ArrayBuffer> {
  const top = limbs.at(-1) ?? 0;
  const topBytes = top === 0 ? 0 : Math.ceil((32 - Math.clz32(top)) / 8);
  const lowerBytes = 3 * Math.max(0, limbs.length - 1);
  const bytes = new Uint8Array(zeroBytes + topBytes + lowerBytes);
  for (let i = 0; i < topBytes + lowerBytes; i++) {
    const limb = limbs[Math.floor(i / 3)] ?? 0;
    bytes[bytes.length - 1 - i] = limb >>> (8 * (i % 3));
  }
  return bytes;
}
