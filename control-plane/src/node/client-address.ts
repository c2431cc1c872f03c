/**
 * From where a request comes, on Node. Without a trusted proxy that is the socket's other end, and
 * no header means anything. Behind N proxies each of them has appended to `X-Forwarded-For` whom it
 * saw, so the N-th entry from the right is the client as our outermost proxy saw it; whatever stands
 * further left was written by the client.
 */

import { parseAddress } from '@cardea/shared/ip/address';

export interface Connection {
  /** Of the socket; absent when it is already gone. */
  readonly remoteAddress: string | undefined;
  /** `X-Forwarded-For`, all of its lines joined by commas in their order. */
  readonly forwardedFor: string | undefined;
}

/** Bounds the work on a header; a real chain has a few entries. */
const FORWARDED_LENGTH_MAX = 2048;

/** The address, or `undefined` if it cannot be told: then nothing that is bound to one is allowed. */
export function clientAddressOf(
  { remoteAddress, forwardedFor = '' }: Connection,
  trustedProxyHops: number,
): string | undefined {
  // A link-local address of the socket carries its zone.
  if (trustedProxyHops === 0) return addressIn(remoteAddress?.replace(/%.*$/, ''));
  if (forwardedFor.length > FORWARDED_LENGTH_MAX) return undefined;
  return addressIn(forwardedFor.split(',').at(-trustedProxyHops)?.trim());
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5})$/;

function addressIn(text = ''): string | undefined {
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  return parseAddress(address) === undefined ? undefined : address;
}
