/** CIDR ranges (RFC 4632, RFC 4291 §2.3) and whether an address lies in one of several. */

import { type AddressBytes, isV4Mapped, parseAddress, parseAddressUnmapped } from './address.ts';

export interface Cidr {
  /** 4 or 16 bytes; a range inside `::ffff:0:0/96` is held as the IPv4 range that it is. */
  readonly network: AddressBytes;
  readonly prefixLength: number;
}

const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/**
 * The range, or `undefined` unless `text` is `address/prefix-length`. A bare address is refused. Bits
 * after the prefix may be set, as in `10.1.2.3/8`, and do not count.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const network = parseAddressUnmapped(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (network === undefined || !PREFIX_LENGTH.test(digits)) return undefined;
  const prefixLength = Number(digits);
  if (prefixLength > network.length * 8) return undefined;
  if (isV4Mapped(network) && prefixLength >= 96) {
    return { network: network.slice(12), prefixLength: prefixLength - 96 };
  }
  return { network, prefixLength };
}

/**
 * Whether `address` lies in one of `cidrs`. Fails closed: an address that does not parse is in no
 * range, a range that does not parse contains nothing, and no ranges allow nothing. IPv4 addresses lie
 * in IPv4 ranges only: `::/0` does not contain them. A caller whose token carries no restriction
 * does not ask.
 */
export function isAddressAllowed(address: string, cidrs: readonly string[]): boolean {
  const bytes = parseAddress(address);
  if (bytes === undefined) return false;
  return cidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && contains(cidr, bytes);
  });
}

function contains({ network, prefixLength }: Cidr, address: AddressBytes): boolean {
  if (network.length !== address.length) return false;
  const wholeBytes = prefixLength >> 3;
  for (let i = 0; i < wholeBytes; i++) {
    if (network[i] !== address[i]) return false;
  }
  const restBits = prefixLength & 7;
  if (restBits === 0) return true;
  const mask = (0xff << (8 - restBits)) & 0xff;
  return ((network[wholeBytes] ?? 0) & mask) === ((address[wholeBytes] ?? 0) & mask);
}
