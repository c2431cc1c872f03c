/**
 * Seals new events into the sequence, oldest first. Called by the single writer alone; should there
 * be two for a moment, one of them finds its places taken and leaves them.
 */

import type { Log } from '../log.ts';
import type { AuditEvent } from './audit-event.ts';
import {
  formatKnownSeal,
  isOwn,
  type KnownSeal,
  originOf,
  parseKnownSeal,
  sealOf,
} from './seal.ts';
import type { AuditStore, Seal } from './store.ts';

export interface SealingParts {
  readonly events: Pick<AuditStore, 'unsealed' | 'lastSealed' | 'sealedFrom' | 'seal'>;
  readonly auditKey: () => Promise<CryptoKey>;
  readonly log: Log;
}

/** Events sealed in one statement: about 130 bytes of parameter each. */
const EVENTS_MAX = 500;
/** Statements in one call: what is left waits for the next cycle. */
const ROUNDS_MAX = 4;

/**
 * Seals what is unsealed and answers the newest seal, `{position}.{seal}`; `known` is what it
 * answered last. If the database's end lies before `known`, somebody cut it off or restored an older
 * database: the sequence then goes on after `known`, so that the gap stays where it is.
 */
export async function sealAuditEvents(
  parts: SealingParts,
  known: string | undefined,
): Promise<string | undefined> {
  let newest = known === undefined ? undefined : parseKnownSeal(known);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const events = await parts.events.unsealed(EVENTS_MAX);
    if (events.length === 0 && newest !== undefined) break;
    const end = await newestOf(parts, newest);
    const last = events.length === 0 ? end : await sealAfter(parts, end, events);
    if (last === undefined) break; // Another writer was faster, or there is nothing at all.
    newest = { position: last.position, seal: last.seal };
    if (events.length < EVENTS_MAX) break;
  }
  return newest === undefined ? undefined : formatKnownSeal(newest);
}

/** Where the sequence goes on. */
interface End extends KnownSeal {
  /** The highest position that is taken, by whatever row. */
  readonly takenPosition: number;
}

/**
 * The end of the sequence: beyond what the database has if it has lost its end, and before rows that
 * somebody put there by hand. Those keep their places, but nothing is chained to them.
 */
async function newestOf(
  { events, auditKey, log }: SealingParts,
  known: KnownSeal | undefined,
): Promise<End | undefined> {
  const last = await events.lastSealed();
  const stored = { position: last?.position ?? 0, seal: last?.seal ?? '' };
  if (known === undefined) {
    return stored.position === 0 ? undefined : { ...stored, takenPosition: stored.position };
  }
  if (stored.position === known.position && stored.seal === known.seal) {
    return { ...known, takenPosition: known.position };
  }
  if (stored.position <= known.position) {
    const fields = { position: stored.position, known_position: known.position };
    log('error', 'audit_log_end_missing', fields);
    return { ...known, takenPosition: known.position };
  }
  const genuine = await followChain(events, await auditKey(), known);
  if (genuine.position < stored.position) {
    log('error', 'audit_events_foreign', { from_position: genuine.position + 1 });
  }
  return { ...genuine, takenPosition: stored.position };
}

/** The last event that is chained to `known` without a break. */
async function followChain(
  events: SealingParts['events'],
  auditKey: CryptoKey,
  known: KnownSeal,
): Promise<KnownSeal> {
  let last = known;
  for (;;) {
    const page = await events.sealedFrom(last.position + 1, EVENTS_MAX);
    for (const event of page) {
      const { position = 0, seal = '' } = event;
      const link = { previousSeal: last.seal, position: last.position + 1 };
      const isNext = position === link.position && (await originOf(auditKey, event, link));
      if (!isNext) return last;
      last = { position, seal };
    }
    if (page.length < EVENTS_MAX) return last;
  }
}

async function sealAfter(
  parts: SealingParts,
  end: End | undefined,
  events: readonly AuditEvent[],
): Promise<KnownSeal | undefined> {
  const auditKey = await parts.auditKey();
  const seals: Seal[] = [];
  let foreignCount = 0;
  let position = end?.takenPosition ?? 0;
  let seal = end?.seal ?? '';
  for (const event of events) {
    const origin = (await isOwn(auditKey, event)) ? 'own' : 'foreign';
    if (origin === 'foreign') foreignCount++;
    position++;
    seal = await sealOf(auditKey, event, { previousSeal: seal, position, origin });
    seals.push({ eventId: event.eventId, position, seal });
  }
  if ((await parts.events.seal(seals)) === 'conflict') return undefined;
  if (foreignCount > 0) parts.log('error', 'audit_events_foreign', { count: foreignCount });
  return { position, seal };
}
