/**
 * IP addresses as bytes: IPv4 in dotted decimal (RFC 6943 §3.1.1, strict form) and IPv6 in text form
 * (RFC 4291 §2.2). An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address: both texts
 * name one host. No zone ids, no ports, no brackets, no octal.
 */

/** 4 or 16 bytes, network order. Never an IPv4-mapped address in its 16-byte form. */
export type AddressBytes = readonly number[];

/** Longest text form, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const ADDRESS_LENGTH_MAX = 45;

/** The address, or `undefined` unless `text` is one in the forms above. */
export function parseAddress(text: string): AddressBytes | undefined {
  const bytes = parseAddressUnmapped(text);
  return bytes !== undefined && isV4Mapped(bytes) ? bytes.slice(12) : bytes;
}

/** As {@link parseAddress}, but `::ffff:a.b.c.d` keeps its 16 bytes: prefixes count from there. */
export function parseAddressUnmapped(text: string): AddressBytes | undefined {
  if (text.length > ADDRESS_LENGTH_MAX) return undefined;
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** Whether 16 bytes lie in `::ffff:0:0/96`. */
export function isV4Mapped(bytes: AddressBytes): boolean {
  return bytes.length === 16 && bytes.every((byte, i) => i > 11 || byte === (i < 10 ? 0 : 0xff));
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;

function parseV4(text: string): number[] | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const octet of octets) {
    const value = OCTET.test(octet) ? Number(octet) : 256;
    if (value > 255) return undefined;
    bytes.push(value);
  }
  return bytes;
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = '', tail] = halves;
  // Only the last group may be written in dotted decimal (RFC 4291 §2.2, form 3).
  const front = parseGroups(head, tail === undefined);
  const back = tail === undefined ? [] : parseGroups(tail, true);
  if (front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  if (tail === undefined) return missing === 0 ? front : undefined;
  // "::" stands for at least one group of zeros.
  return missing >= 2 ? [...front, ...new Array<number>(missing).fill(0), ...back] : undefined;
}

const GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const v4 = mayEndInV4 && index === groups.length - 1 ? parseV4(group) : undefined;
    if (v4 === undefined) return undefined;
    bytes.push(...v4);
  }
  return bytes;
}
