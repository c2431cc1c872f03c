/** UUIDs, version 4 (RFC 9562 §5.4), in their lowercase text form. */

import { decodeHex, encodeHex } from './hex.ts';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isUuidV4(text: string): boolean {
  return UUID_V4.test(text);
}

/** The 16 bytes, or `undefined` unless `text` is a lowercase version-4 UUID. */
export function parseUuidV4(text: string): Uint8Array<ArrayBuffer> | undefined {
  return isUuidV4(text) ? decodeHex(text.replaceAll('-', '')) : undefined;
}

/** Whether 16 bytes carry version 4 and the variant of RFC 9562 §4.1. */
export function isUuidV4Bytes(bytes: Uint8Array): boolean {
  const [version = 0, variant = 0] = [bytes[6], bytes[8]];
  return bytes.length === 16 && version >> 4 === 4 && variant >> 6 === 0b10;
}

/** The text form of 16 bytes. Does not look at version and variant. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = encodeHex(bytes);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return parts.join('-');
}

/** A version-4 UUID made of 16 random bytes; version and variant bits are overwritten. */
export function uuidV4FromRandom(random: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
