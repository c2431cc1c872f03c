/** The one text of an address or a range: RFC 5952 for IPv6, dotted decimal for IPv4. */

import type { AddressBytes } from './address.ts';
import type { Cidr } from './cidr.ts';

export function formatAddress(bytes: AddressBytes): string {
  return bytes.length === 4 ? bytes.join('.') : formatV6(bytes);
}

/** `address/length`, with the bits after the prefix cleared. */
export function formatCidr({ network, prefixLength }: Cidr): string {
  const masked = network.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefixLength - 8 * i));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return `${formatAddress(masked)}/${prefixLength}`;
}

/** RFC 5952 §4: no leading zeros, lowercase, the first longest run of two zero groups or more as `::`. */
function formatV6(bytes: AddressBytes): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
  let longest = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
  }
  const text = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':');
  if (longest.length < 2) return text(groups);
  const { start, length } = longest;
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}
