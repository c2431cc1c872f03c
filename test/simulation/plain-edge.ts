/**
 * A second, plain implementation of the edge's feed, to plant flaws in: every question reads the feed.
 * Without a flaw it passes the simulation as well, so what is found is the flaw.
 */

import type { EdgeFeedOptions } from '@cardea/edge-worker/feed/create-edge-feed';
import type {
  EdgeFeed,
  RequestContext,
  StalePolicy,
  TrustedSnapshot,
} from '@cardea/edge-worker/feed/edge-feed';
import { FeedUnreadable } from '@cardea/edge-worker/feed/feed-source';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { type FeedHead, keysetObject, parseHeadPayload } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { parseKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { createRevocationTable, filteredEntries } from '@cardea/shared/feed/revocation-table';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { accept, type Result, refuse } from '@cardea/shared/result';

export const EDGE_FLAWS = [
  'accepts_a_lower_seq',
  'trusts_by_time_of_arrival',
  'verifies_no_signature',
  'verifies_no_keyset_hash',
  'swaps_in_two_steps',
] as const;
export type EdgeFlaw = (typeof EDGE_FLAWS)[number] | 'none';

export function createPlainEdge(options: EdgeFeedOptions, flaw: EdgeFlaw): EdgeFeed {
  let held: FeedSnapshot | undefined;
  let arrivedAt = 0;

  async function refresh(): Promise<void> {
    const text = await options.source.readHead();
    const head = text === undefined ? undefined : await readHead(text, options, flaw);
    if (head === undefined || head.environmentId !== options.environmentId) return;
    if (flaw === 'swaps_in_two_steps' && held !== undefined && head.seq >= held.seq) {
      held = { ...held, seq: head.seq, issuedAtSeconds: head.issuedAtSeconds };
    }
    const bytes = await options.source.readObject(keysetObject(head.keysetHash));
    if (bytes === undefined) return;
    const keyset = new Uint8Array(bytes);
    const isUnverified = flaw === 'verifies_no_keyset_hash';
    const hash = isUnverified ? await objectHash(keyset) : head.keysetHash;
    const keys = await parseKeyset(keyset, hash);
    const isOlder = held !== undefined && head.seq < held.seq;
    if (!keys.ok || (isOlder && flaw !== 'accepts_a_lower_seq')) return;
    const { environmentId, seq, issuedAtSeconds, keysetHash } = head;
    const revocations = createRevocationTable([filteredEntries(head.tail)]);
    held = {
      ...{ environmentId, seq, issuedAtSeconds, keysetHash, revocations },
      ...{ jwtKeys: keys.value.jwtKeys, macaroonKeys: new Map(), unopenedKids: [] },
    };
    arrivedAt = options.clock();
  }

  async function ask(_: RequestContext, stale: StalePolicy): Promise<Result<TrustedSnapshot>> {
    try {
      await refresh();
    } catch (error) {
      if (!(error instanceof FeedUnreadable)) throw error;
    }
    if (held === undefined) return refuse('feed_stale');
    const since = flaw === 'trusts_by_time_of_arrival' ? arrivedAt : held.issuedAtSeconds * 1000;
    const ageSeconds = Math.floor(options.clock() / 1000) - Math.floor(since / 1000);
    const degraded = ageSeconds >= options.hardSeconds;
    if (ageSeconds >= options.hardSeconds + stale.openForSeconds) return refuse('feed_stale');
    return accept({ snapshot: held, ageSeconds, degraded, lane: 'a', isFallback: false });
  }

  return {
    snapshot: ask,
    refreshForUnknownKey: ask,
    status: () => ({
      ...{ seq: held?.seq, issuedAtSeconds: held?.issuedAtSeconds, ageSeconds: undefined },
      ...{ hardSeconds: options.hardSeconds, fresh: false, lastError: undefined },
      ...{ macaroonKeys: { opened: 0, unopened: 0 }, entries: 0, entryBytes: 0 },
      ...{ lane: undefined, lanes: [], isLoading: false },
    }),
  };
}

async function readHead(
  text: string,
  options: EdgeFeedOptions,
  flaw: EdgeFlaw,
): Promise<FeedHead | undefined> {
  if (flaw !== 'verifies_no_signature') {
    const verified = await verifyHead(text, options.feedKeys);
    return verified.ok ? verified.value : undefined;
  }
  const payload = decodeBase64url(text.split('.')[1] ?? '');
  const parsed = parseHeadPayload((payload && decodeUtf8(payload)) ?? '');
  return parsed.ok ? parsed.value : undefined;
}
