/** The ranges that lie in two lists of ranges: for what is narrowed twice. Pure. */

import { type Cidr, parseCidr } from './cidr.ts';
import { formatCidr } from './format-address.ts';

/**
 * Ranges that hold exactly the addresses that are in one of `ranges` and in one of `others`, each once.
 * Of two ranges one lies in the other or they have nothing in common, so no range is ever split. A
 * text that is no range holds nothing. Empty: no address is in both.
 */
export function intersectCidrs(
  ranges: readonly string[],
  others: readonly string[],
): readonly string[] {
  const common = new Set<string>();
  for (const one of ranges.map(parseCidr)) {
    for (const other of others.map(parseCidr)) {
      if (one === undefined || other === undefined) continue;
      if (contains(one, other)) common.add(formatCidr(other));
      else if (contains(other, one)) common.add(formatCidr(one));
    }
  }
  return [...common].sort();
}

/** Whether every address of `inner` lies in `outer`. */
function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.network.length !== inner.network.length) return false;
  if (outer.prefixLength > inner.prefixLength) return false;
  return outer.network.every((byte, i) => {
    const kept = Math.min(8, Math.max(0, outer.prefixLength - 8 * i));
    const mask = (0xff << (8 - kept)) & 0xff;
    return (byte & mask) === ((inner.network[i] ?? 0) & mask);
  });
}
