/**
 * Changes that are made from what was read: whoever is overtaken between reading and writing reads
 * again. Each time somebody else has succeeded, so this ends; it is bounded for the client's sake.
 */

import { CHANGE_ATTEMPTS_MAX } from '../limits.ts';

/** The first outcome that is not `changed_meanwhile`, or that one after the last attempt. */
export async function retryOnChange<Outcome extends { readonly outcome: string }>(
  attempt: () => Promise<Outcome>,
): Promise<Outcome> {
  for (let attempts = 1; ; attempts++) {
    const result = await attempt();
    if (result.outcome !== 'changed_meanwhile' || attempts === CHANGE_ATTEMPTS_MAX) return result;
  }
}
