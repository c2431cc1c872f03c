/** Which rule of the feed a document broke: evidence for the operator, one stable code a rule. */

import type { Refusal } from '../refusals.ts';
import { refuse } from '../result.ts';

export type FeedRule =
  // The head as text and its signature.
  | 'head_too_large'
  | 'head_not_compact'
  | 'head_header'
  | 'head_key_unknown'
  | 'head_signature'
  // What the signed head says.
  | 'head_payload'
  | 'head_version'
  | 'head_environment'
  | 'head_in_future'
  // The objects that the head names.
  | 'keyset_too_large'
  | 'keyset_hash'
  | 'keyset_payload'
  | 'keyset_version'
  | 'keyset_key'
  | 'keyset_sealed_key'
  | 'segment_too_large'
  | 'segment_hash'
  | 'segment_count'
  | 'entries';

/** Refuses with `feed_invalid`; the rule is in the evidence under `rule`. */
export function refuseFeed(rule: FeedRule): { readonly ok: false; readonly refusal: Refusal } {
  return refuse('feed_invalid', { rule });
}
