/** Tells outages of PostgreSQL from bugs of ours, by what its drivers throw. No I/O. */

import { StoreUnavailable } from '../store-unavailable.ts';
import { TimedOut } from '../within.ts';

/**
 * What no change of the statement would help: connection (08), no such user or database (28, 3D),
 * read-only after a failover (25006), idle too long in a transaction (25P03, 25P04), yielded too often
 * (40), resources (53), lock not to be had (55P03), stopped or cancelled (57), system (58).
 */
const OUTAGES = /^(08|28|3D|53|57|58)...$|^(25006|25P03|25P04|40001|40P01|55P03)$/;

/** Refusals of postgres.js to run a statement of ours: everything else it throws is about the wire. */
const MISUSE =
  /^(UNDEFINED_VALUE|MAX_PARAMETERS_EXCEEDED|NOT_TAGGED_CALL|UNSAFE_TRANSACTION|SASL_|INVALID_)/;

/** The database cannot answer now; the statement may be all right. */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof TimedOut) return true;
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return OUTAGES.test(sqlState);
  // Without an answer of the server: the connection failed, or the driver did not take the statement.
  const origin = originOf(error);
  if (!(origin instanceof Error) || origin instanceof TypeError) return false;
  return !MISUSE.test(codeOf(origin) ?? '') && !(origin instanceof RangeError);
}

/** The five characters of PostgreSQL's error code; `undefined` where the server has not answered. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(originOf(error));
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function codeOf(error: unknown): string | undefined {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return isCoded ? String(error.code) : undefined;
}

/** drizzle wraps what the driver throws. */
function originOf(error: unknown): unknown {
  let origin = error;
  while (origin instanceof Error && origin.cause !== undefined) origin = origin.cause;
  return origin;
}

/**
 * The connection is gone, or goes: the server ends it after what it calls fatal. What carries no code
 * comes from our own code, which ends a transaction with what it throws.
 */
export function isConnectionLost(error: unknown): boolean {
  const origin = originOf(error);
  if (sqlStateOf(origin) === undefined) return codeOf(origin) !== undefined && isOutage(origin);
  return origin instanceof Error && 'severity' in origin && origin.severity === 'FATAL';
}
