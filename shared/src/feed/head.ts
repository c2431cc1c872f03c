/**
 * The signed head: the one mutable object of the feed. Payload of a compact JWS (RFC 7515 §7.1) with
 * `{"alg":"EdDSA","typ":"cardea-feed+jws","kid":…}`, signed by the feed key that edges pin.
 */

import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { type JsonObject, type JsonValue, ownMember } from '../json/strict-json.ts';
import { FEED_ENTRIES_MAX, FEED_SEGMENTS_MAX } from '../limits.ts';
import { accept, type Result } from '../result.ts';
import { type UnixSeconds, unixSeconds } from '../time.ts';
import { decodeRows } from './decode-rows.ts';
import { ENTRY_BYTES, type RevocationEntry } from './entry.ts';
import { entriesIn } from './entry-rows.ts';
import {
  arrayMember,
  asObject,
  hashMember,
  integerMember,
  parseJsonObject,
  textMember,
} from './feed-json.ts';
import { refuseFeed } from './feed-rule.ts';
import { type FilteredRuns, ScopeFilter } from './scope-filter.ts';

export const FEED_TYPE = 'cardea-feed+jws';
export const FEED_FORMAT_VERSION = 1;

/** Names of the objects in KV. */
export const HEAD_OBJECT = 'v1/head';
export const keysetObject = (sha256Hex: string): string => `v1/keyset/${sha256Hex}`;
export const segmentObject = (sha256Hex: string): string => `v1/segment/${sha256Hex}`;

export interface SegmentReference {
  /** SHA-256 of the object, lowercase hexadecimal: its name and its proof. */
  readonly hash: string;
  readonly entryCount: number;
  /** When the last entry of the segment stops mattering. */
  readonly expiresAtSeconds: UnixSeconds;
}

export interface FeedHead {
  /** Which deployment this feed belongs to: a head of another environment is refused. */
  readonly environmentId: string;
  /** max(previous + 1, milliseconds of the stamp): grows across restores. */
  readonly seq: number;
  /** `iat`: this head contains every revocation acknowledged before this second. */
  readonly issuedAtSeconds: UnixSeconds;
  /** SHA-256 of the keyset object, lowercase hexadecimal. */
  readonly keysetHash: string;
  readonly segments: readonly SegmentReference[];
  /** Entries that are in no segment yet (or not safely so), sorted by scope id. */
  readonly tail: readonly RevocationEntry[];
  /** The latest seal of the audit log, once there is one. */
  readonly auditSeal?: string;
}

/** A head that is to be signed: of a tail of a hundred thousand entries nobody wants an object for each. */
export interface UnsignedHead extends Omit<FeedHead, 'tail'> {
  /** 12 bytes an entry, in the order of the format (`entry`). */
  readonly tail: Uint8Array<ArrayBuffer>;
}

/** A head as it was read. Who searches the tail takes its rows; its entries are made when asked for. */
export interface ReadHead extends FeedHead {
  readonly tailRows: FilteredRuns;
}

const ENVIRONMENT_ID = /^[A-Za-z0-9._-]{1,64}$/;
const AUDIT_SEAL = /^[A-Za-z0-9._~:+/=-]{1,512}$/;

/**
 * The JSON that is signed: always the same text for the same head. Throws `RangeError` on a tail that is not
 * strictly sorted: no edge accepts such a head.
 */
export function encodeHeadPayload(head: UnsignedHead): string {
  if (!decodeRows(head.tail).ok) throw new RangeError('the tail of a head is not in order');
  return JSON.stringify({
    v: FEED_FORMAT_VERSION,
    env: head.environmentId,
    seq: head.seq,
    iat: head.issuedAtSeconds,
    keyset: head.keysetHash,
    segments: head.segments.map(({ hash, entryCount, expiresAtSeconds }) => ({
      hash,
      count: entryCount,
      exp: expiresAtSeconds,
    })),
    tail: encodeBase64url(head.tail),
    audit_seal: head.auditSeal,
  });
}

/**
 * Reads the payload of a head whose signature has been verified; refuses with `feed_invalid`.
 * Another `v` is refused: its rules are unknown. Unknown members of version 1 are ignored, so that a
 * publisher may be updated before the edges; what an edge must obey comes with a new version.
 * Does not look at the clock, the environment or the previous head: see `freshness`.
 */
export function parseHeadPayload(json: string): Result<ReadHead> {
  const payload = parseJsonObject(json);
  if (payload === undefined) return refuseFeed('head_payload');
  if (ownMember(payload, 'v') !== FEED_FORMAT_VERSION) return refuseFeed('head_version');
  const environmentId = textMember(payload, 'env');
  const seq = integerMember(payload, 'seq');
  const issuedAt = integerMember(payload, 'iat');
  const keysetHash = hashMember(payload, 'keyset');
  const segments = parseSegments(payload);
  const tailBytes = decodeBase64url(textMember(payload, 'tail') ?? '=');
  if (environmentId === undefined || !ENVIRONMENT_ID.test(environmentId)) {
    return refuseFeed('head_payload');
  }
  if (seq === undefined || issuedAt === undefined || keysetHash === undefined) {
    return refuseFeed('head_payload');
  }
  if (segments === undefined || tailBytes === undefined) return refuseFeed('head_payload');
  const filter = new ScopeFilter(tailBytes.length / ENTRY_BYTES);
  const rows = decodeRows(tailBytes, filter);
  if (!rows.ok) return rows;
  const auditSeal = ownMember(payload, 'audit_seal');
  if (auditSeal !== undefined && !isAuditSeal(auditSeal)) return refuseFeed('head_payload');
  const head = { environmentId, seq, issuedAtSeconds: unixSeconds(issuedAt), keysetHash, segments };
  const sealed = auditSeal === undefined ? head : { ...head, auditSeal };
  return accept(withTail(sealed, { filter, runs: [rows.value] }));
}

function withTail(head: Omit<FeedHead, 'tail'>, tailRows: FilteredRuns): ReadHead {
  let entries: readonly RevocationEntry[] | undefined;
  return {
    ...head,
    tailRows,
    get tail() {
      entries ??= tailRows.runs.flatMap((rows) => [...entriesIn(rows)]);
      return entries;
    },
  };
}

function parseSegments(payload: JsonObject): SegmentReference[] | undefined {
  const items = arrayMember(payload, 'segments');
  if (items === undefined || items.length > FEED_SEGMENTS_MAX) return undefined;
  const segments: SegmentReference[] = [];
  const hashes = new Set<string>();
  let entries = 0;
  for (const item of items) {
    const segment = parseSegment(item);
    if (segment === undefined || hashes.has(segment.hash)) return undefined;
    hashes.add(segment.hash);
    entries += segment.entryCount;
    segments.push(segment);
  }
  return entries <= FEED_ENTRIES_MAX ? segments : undefined;
}

function parseSegment(item: JsonValue): SegmentReference | undefined {
  const object = asObject(item);
  if (object === undefined) return undefined;
  const hash = hashMember(object, 'hash');
  const entryCount = integerMember(object, 'count');
  const expiresAt = integerMember(object, 'exp');
  if (hash === undefined || expiresAt === undefined) return undefined;
  if (entryCount === undefined || entryCount === 0) return undefined;
  return { hash, entryCount, expiresAtSeconds: unixSeconds(expiresAt) };
}

/** Exported for publishers: a head with anything else in this place is refused. */
export function isAuditSeal(value: unknown): value is string {
  return typeof value === 'string' && AUDIT_SEAL.test(value);
}
