/**
 * What seals an event into the sequence: an HMAC over the seal before it, its place, its time and
 * everything it says. No I/O.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { equalConstantTime } from '@cardea/shared/crypto/equal-constant-time';
import { hmacSha256 } from '@cardea/shared/crypto/hmac';
import type { AuditEvent } from './audit-event.ts';
import { bytesOf, macOf } from './event-recorder.ts';

/** An event that was found without a valid MAC is sealed as `foreign`, and so stays told apart. */
export type Origin = 'own' | 'foreign';

export interface Link {
  /** Seal of the event before; '' before the first. */
  readonly previousSeal: string;
  readonly position: number;
  readonly origin: Origin;
}

/** The newest place in the sequence, as heads of the feed carry it. */
export interface KnownSeal {
  readonly position: number;
  readonly seal: string;
}

export async function sealOf(
  auditKey: CryptoKey,
  event: AuditEvent,
  { previousSeal, position, origin }: Link,
): Promise<string> {
  const bytes = frame(
    'audit-seal/v1',
    ...[origin, previousSeal, String(position), String(event.time), bytesOf(event), event.mac],
  );
  return encodeBase64url(await hmacSha256(auditKey, bytes));
}

/** Whether the event was made by whoever has the key: time, place and seal are not looked at. */
export async function isOwn(auditKey: CryptoKey, event: AuditEvent): Promise<boolean> {
  return isEqual(event.mac, await macOf(auditKey, event));
}

/** As what the event was sealed at this place, or `undefined`: its seal is of another place or text. */
export async function originOf(
  auditKey: CryptoKey,
  event: AuditEvent,
  link: Omit<Link, 'origin'>,
): Promise<Origin | undefined> {
  for (const origin of ['own', 'foreign'] as const) {
    if (isEqual(event.seal ?? '', await sealOf(auditKey, event, { ...link, origin })))
      return origin;
  }
  return undefined;
}

/** `{position}.{seal}`: `auditSeal` of a head (docs/feed.md). */
export function formatKnownSeal({ position, seal }: KnownSeal): string {
  return `${position}.${seal}`;
}

const KNOWN_SEAL = /^([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})$/;

export function parseKnownSeal(text: string): KnownSeal | undefined {
  const [, position, seal] = KNOWN_SEAL.exec(text) ?? [];
  if (position === undefined || seal === undefined) return undefined;
  return { position: Number(position), seal };
}

function isEqual(claimed: string, genuine: string): boolean {
  const bytes = decodeBase64url(claimed);
  const expected = decodeBase64url(genuine);
  return bytes !== undefined && expected !== undefined && equalConstantTime(bytes, expected);
}
