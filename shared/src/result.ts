/** The two outcomes of anything that may be refused. Values, not exceptions: a refusal is expected. */
import type { Refusal, RefusalReason } from './refusals.ts';

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

/**
 * Refuses with a reason of the catalogue. `evidence` goes to the operator's log and never to the
 * client: identifiers, bounds and claim *names* only, no token text and no claim value.
 */
export function refuse(
  reason: RefusalReason,
  evidence?: Readonly<Record<string, string | number>>,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: evidence === undefined ? { reason } : { reason, evidence } };
}
