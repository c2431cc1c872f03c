/**
 * Walks the sealed sequence and names the first event that was altered, is missing or was added. What
 * it rests on: the key, which the database does not hold, and the newest seal, which the publisher
 * keeps in its own storage.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { AuditEvent } from './audit-event.ts';
import { readPruneEvent } from './prune-events.ts';
import { isOwn, type KnownSeal, originOf } from './seal.ts';
import type { AuditStore } from './store.ts';

export interface VerificationParts {
  readonly events: Pick<AuditStore, 'list' | 'sealedFrom' | 'unsealed'>;
  readonly auditKey: () => Promise<CryptoKey>;
  /** Of the newest head; absent while there is none. Everything up to it must be there. */
  readonly known?: KnownSeal;
}

/**
 * `missing`: events were removed at and after `position`. `altered`: the event does not fit its seal.
 * `added`: somebody without the key wrote it.
 */
export interface LogProblem {
  readonly kind: 'altered' | 'missing' | 'added';
  /** Absent of an added event that has no place in the sequence. */
  readonly position?: number;
  /** Of an altered or added event, or of the first one after those that are missing. */
  readonly eventId?: string;
  readonly time?: UnixMilliseconds;
}

export interface LogVerification {
  readonly verifiedCount: number;
  readonly unsealedCount: number;
  readonly fromPosition: number;
  /** Of the newest head: what must be there at least. */
  readonly headPosition?: number;
  /** Where to go on, if the walk ended before the end of the log. */
  readonly nextPosition?: number;
  readonly problem?: LogProblem;
}

export interface Walk {
  /** The event before it is taken as it stands. Absent: from the first event that is kept. */
  readonly fromPosition?: number;
  /** At most so many events in one call. */
  readonly countMax: number;
}

const PAGE_SIZE = 500;
/** Events without a seal that are looked at: more than two cycles of the publisher leave. */
const UNSEALED_MAX = 1000;

export async function verifyLog(parts: VerificationParts, walk: Walk): Promise<LogVerification> {
  const auditKey = await parts.auditKey();
  const start = await startOf(parts, auditKey, walk.fromPosition);
  const walked = await walkFrom(parts, auditKey, { start, countMax: walk.countMax });
  const unsealed = await parts.events.unsealed(UNSEALED_MAX);
  const problem = walked.problem ?? (await firstForeign(auditKey, unsealed));
  return {
    verifiedCount: walked.verifiedCount,
    unsealedCount: unsealed.length,
    fromPosition: start.position,
    ...(parts.known === undefined ? {} : { headPosition: parts.known.position }),
    ...(walked.nextPosition === undefined ? {} : { nextPosition: walked.nextPosition }),
    ...(problem === undefined ? {} : { problem }),
  };
}

interface Place {
  readonly position: number;
  readonly previousSeal: string;
}

const BEGINNING: Place = { position: 1, previousSeal: '' };

/**
 * Where the walk begins. Events before the first one that is kept were removed by policy if an event
 * of ours says so (`prune-events`); otherwise the walk begins at 1 and finds them missing.
 */
async function startOf(
  { events }: VerificationParts,
  auditKey: CryptoKey,
  fromPosition: number | undefined,
): Promise<Place> {
  if (fromPosition !== undefined && fromPosition > 1) {
    const [before] = await events.sealedFrom(fromPosition - 1, 1);
    const previousSeal = before?.position === fromPosition - 1 ? (before.seal ?? '') : '';
    return { position: fromPosition, previousSeal };
  }
  const [first] = await events.sealedFrom(1, 1);
  if (first?.position === undefined || first.position === 1) return BEGINNING;
  const prunes = await events.list({ operation: 'audit_event.prune', pageSize: PRUNES_MAX });
  for (const event of prunes.events) {
    const prune = readPruneEvent(event);
    if (prune?.position === first.position && (await isOwn(auditKey, event))) return prune;
  }
  return BEGINNING;
}

/** The newest counts; a few, in case that some announced a removal that then failed. */
const PRUNES_MAX = 10;

interface Walked {
  readonly verifiedCount: number;
  readonly nextPosition?: number;
  readonly problem?: LogProblem;
}

async function walkFrom(
  parts: VerificationParts,
  auditKey: CryptoKey,
  { start, countMax }: { readonly start: Place; readonly countMax: number },
): Promise<Walked> {
  let place = start;
  let verifiedCount = 0;
  for (;;) {
    // One more than is verified: what follows an event tells how it came there.
    const page = await pageFrom(parts, place, PAGE_SIZE + 1);
    const events = page.slice(0, PAGE_SIZE);
    for (const [index, event] of events.entries()) {
      if (verifiedCount >= countMax) return { verifiedCount, nextPosition: place.position };
      const next = page[index + 1];
      const problem = await problemOf(parts.known, auditKey, { place, event, next });
      if (problem !== undefined) return { verifiedCount, problem };
      verifiedCount++;
      place = { position: place.position + 1, previousSeal: event.seal ?? '' };
    }
    if (page.length > PAGE_SIZE) continue;
    const { known } = parts;
    const isCutOff = known !== undefined && known.position >= place.position;
    const problem = { kind: 'missing', position: place.position } as const;
    return { verifiedCount, ...(isCutOff ? { problem } : {}) };
  }
}

/**
 * Includes whatever lies between the place before and this one, or before the first: a database lets
 * positions be fractions, and negative, so nothing may hide there.
 */
async function pageFrom(
  { events }: VerificationParts,
  { position }: Place,
  count: number,
): Promise<readonly AuditEvent[]> {
  if (position === 1) return events.sealedFrom(Number.MIN_SAFE_INTEGER, count);
  const page = await events.sealedFrom(position - 1, count + 1);
  return page.filter((event) => event.position !== position - 1).slice(0, count);
}

interface Step {
  readonly place: Place;
  readonly event: AuditEvent;
  readonly next: AuditEvent | undefined;
}

async function problemOf(
  known: KnownSeal | undefined,
  auditKey: CryptoKey,
  { place, event, next }: Step,
): Promise<LogProblem | undefined> {
  const { position = 0, eventId, time } = event;
  const named = { eventId, time };
  if (position === place.position) {
    const origin = await originOf(auditKey, event, place);
    if (origin === 'foreign') return { kind: 'added', position, ...named };
    const isKnown = known?.position !== position || known.seal === event.seal;
    if (origin === 'own' && isKnown) return undefined;
  }
  if (await isInserted(auditKey, { place, event, next }, known)) {
    return { kind: 'added', position, ...named };
  }
  if (position > place.position) return { kind: 'missing', position: place.position, ...named };
  return { kind: 'altered', position, ...named };
}

/** Whether the event is none of ours, and the sequence goes on as if it were not there. */
async function isInserted(
  auditKey: CryptoKey,
  { place, event, next }: Step,
  known: KnownSeal | undefined,
): Promise<boolean> {
  if (await isOwn(auditKey, event)) return false;
  const { previousSeal } = place;
  if (next === undefined) {
    // Nothing was chained to it yet: whether it is beyond the newest known seal has to tell.
    return known !== undefined && (event.position ?? 0) > known.position;
  }
  // Either it keeps the place that it had before, or those after the inserted one were moved on.
  for (const position of [next.position ?? 0, place.position]) {
    if ((await originOf(auditKey, next, { previousSeal, position })) !== undefined) return true;
  }
  return false;
}

async function firstForeign(
  auditKey: CryptoKey,
  events: readonly AuditEvent[],
): Promise<LogProblem | undefined> {
  for (const event of events) {
    if (await isOwn(auditKey, event)) continue;
    return { kind: 'added', eventId: event.eventId, time: event.time };
  }
  return undefined;
}
