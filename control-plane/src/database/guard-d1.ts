/** Turns whatever D1 throws into the one error that the rest of the control plane knows. */

import { StoreUnavailable } from '../store-unavailable.ts';

/**
 * Runs statements against D1. Expected outcomes are told by guards in the statements, never by
 * constraint errors, so anything thrown here is an outage (or a bug, which the cause shows).
 */
export async function guardD1<T>(run: () => PromiseLike<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new StoreUnavailable({ cause });
  }
}
