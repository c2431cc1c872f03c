/**
 * Carries out what `plan-segments` plans: makes segments of the tail, merges them, drops those that are
 * over. Only the storage changes here; what it has is in every head all the while. Every step may be
 * repeated at any point.
 */

import { secondsOf, unixSeconds } from '@cardea/shared/time';
import type { SegmentMerge, SegmentStorage } from '../publisher-storage.ts';
import {
  bucketOf,
  planSegmentStep,
  type SegmentRules,
  type StoredSegment,
  superseded,
} from './plan-segments.ts';

/** More than the steps from two million entries in the tail to segments. */
const STEPS_MAX = 400;

/**
 * One step, and as many more as are urgent. The tail is counted once: there may be a million entries in it,
 * and a hundred steps to take.
 */
export async function tendSegments(storage: SegmentStorage, rules: SegmentRules): Promise<void> {
  const { bucketSeconds } = rules;
  const expiresAtSecondsMin = secondsOf(rules.stamp) - rules.clockSkewSeconds;
  const { tail } = await storage.state({ bucketSeconds, expiresAtSecondsMin });
  const waiting = new Map(tail.map(({ bucket, entryCount }) => [bucket, entryCount]));
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const segments = await dropSuperseded(storage, rules);
    const left = [...waiting].map(([bucket, entryCount]) => ({ bucket, entryCount }));
    const step = planSegmentStep({ segments, tail: left }, rules);
    if (step === undefined || (steps > 0 && !step.isUrgent)) return;
    if (step.kind === 'merge') {
      await storage.merge(mergeOf(step.sources, rules));
      continue;
    }
    const { bucket } = step;
    const entriesMax = rules.limits.flushMax;
    const taken = await storage.flush({ bucket, bucketSeconds, entriesMax, expiresAtSecondsMin });
    // Fewer than it takes: there are no more.
    if (taken < entriesMax) waiting.delete(bucket);
    else waiting.set(bucket, (waiting.get(bucket) ?? 0) - taken);
  }
}

async function dropSuperseded(
  storage: SegmentStorage,
  rules: SegmentRules,
): Promise<readonly StoredSegment[]> {
  const present = await storage.present();
  const dropped = new Set(superseded(present, rules));
  if (dropped.size === 0) return present;
  const segmentIds = [...dropped].map(({ segmentId }) => segmentId);
  await storage.drop(segmentIds, rules.stamp);
  return present.filter((segment) => !dropped.has(segment));
}

function mergeOf(sources: readonly StoredSegment[], { bucketSeconds }: SegmentRules): SegmentMerge {
  const end = Math.max(...sources.map(({ expiresAtSeconds }) => expiresAtSeconds));
  return { sources, expiresAtSeconds: unixSeconds(end), bucket: bucketOf(end, bucketSeconds) };
}
