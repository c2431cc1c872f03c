/** Why a key is revoked, as `--reason` has it and as the API has it. */

import type { OptionValues } from './command.ts';
import { UsageError } from './failure.ts';

export const REASONS_OF_HOLDER = ['key_compromise', 'affiliation_changed', 'superseded'];
export const REASONS = [...REASONS_OF_HOLDER, 'privilege_withdrawn'];

/** The member for `--reason`, none if it is not given. */
export function reasonField(
  { reason }: OptionValues,
  allowed: readonly string[],
): { readonly reason?: string } {
  if (reason === undefined) return {};
  if (!allowed.includes(reason)) {
    throw new UsageError(`--reason must be one of ${allowed.join(', ')}`);
  }
  return { reason: `REVOCATION_REASON_${reason.toUpperCase()}` };
}
