/** Translates whatever D1 throws into the one outage that operations know. */

import { StoreUnavailable } from '../store-unavailable.ts';

/**
 * The answer of the database. D1 reports outages, overload and refused statements with the same
 * untyped `Error`; ours are fixed texts that tests run, so what fails in production is an outage.
 */
export async function answered<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query;
  } catch (cause) {
    throw new StoreUnavailable({ cause });
  }
}
