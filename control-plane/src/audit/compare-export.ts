/** Compares events of an export with the log, and names the first that differs. */

import { canonicalJson } from '../api-keys/canonical-json.ts';
import type { Deps } from '../deps.ts';
import type { AuditEvent } from './audit-event.ts';
import { isOwn } from './seal.ts';
import type { LogProblem } from './verify-log.ts';

/**
 * `altered`: the log says something else. `missing`: the log does not have it any more. `added`: the
 * log never had it, for it has no valid MAC.
 */
export interface ExportComparison {
  readonly comparedCount: number;
  /** Genuine, and older than what the log keeps. */
  readonly prunedCount: number;
  readonly problem?: LogProblem;
}

export async function compareExport(
  { auditEvents, auditKey }: Pick<Deps, 'auditEvents' | 'auditKey'>,
  exported: readonly AuditEvent[],
): Promise<ExportComparison> {
  const key = await auditKey();
  const found = await auditEvents.findMany(exported.map(({ eventId }) => eventId));
  const [first] = await auditEvents.sealedFrom(1, 1);
  const logged = new Map(found.map((event) => [event.eventId, event]));
  let comparedCount = 0;
  let prunedCount = 0;
  for (const event of exported) {
    const { eventId, time, position } = event;
    const place = { eventId, time, ...(position === undefined ? {} : { position }) };
    const problem = (kind: LogProblem['kind']) => ({
      ...{ comparedCount, prunedCount },
      problem: { kind, ...place },
    });
    const inLog = logged.get(eventId);
    if (inLog !== undefined) {
      if (!isSame(event, inLog)) return problem('altered');
    } else if (!(await isOwn(key, event))) {
      return problem('added');
    } else if (position !== undefined && position < (first?.position ?? 1)) {
      prunedCount++;
    } else {
      return problem('missing');
    }
    comparedCount++;
  }
  return { comparedCount, prunedCount };
}

/** An event that was exported before it was sealed has its place by now. */
function isSame(exported: AuditEvent, logged: AuditEvent): boolean {
  if (exported.seal !== undefined) return canonicalJson(exported) === canonicalJson(logged);
  const { position: _position, seal: _seal, ...unsealed } = logged;
  return canonicalJson(exported) === canonicalJson(unsealed);
}
