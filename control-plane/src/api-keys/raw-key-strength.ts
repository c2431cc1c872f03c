/**
 * Whether a raw key looks too weak to keep: whoever can ask the server may guess it. An estimate from
 * the text alone, for a warning and nothing else. Pure.
 */

import { RAW_KEY_BITS_WARNED_BELOW, RAW_KEY_LENGTH_WARNED_BELOW } from '../limits.ts';

export function looksWeak(rawKey: string): boolean {
  const characters = [...rawKey];
  return (
    characters.length < RAW_KEY_LENGTH_WARNED_BELOW ||
    entropyBits(characters) < RAW_KEY_BITS_WARNED_BELOW
  );
}

/** Shannon's entropy of the characters by their own frequencies: never more than they really have. */
function entropyBits(characters: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / characters.length);
  return bits;
}
