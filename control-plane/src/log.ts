/**
 * The operator's log: one JSON object a line. Carries no secret, no query text and no body; what
 * looks like a credential is cut out all the same, wherever it came from.
 */

import { mayHoldCredential, redactCredentials } from './redact.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** From the least to the most pressing. docs/observability.md says what belongs where. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Log = (level: LogLevel, event: string, fields: LogFields) => void;

export interface LogParts {
  /** Lines below this level are left out. */
  readonly levelMin: LogLevel;
  readonly write: (level: LogLevel, line: string) => void;
  readonly now: () => Date;
}

export function createLog({ levelMin, write, now }: LogParts): Log {
  const least = LOG_LEVELS.indexOf(levelMin);
  return (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const line = { time: now().toISOString(), level, event, ...fields };
    const text = JSON.stringify(line);
    // Hardly a line needs a closer look, and every request writes one.
    write(level, mayHoldCredential(text) ? JSON.stringify(line, redacted) : text);
  };
}

function redacted(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? redactCredentials(value) : value;
}

/** For composition roots. Workers collects the console; on Node it is standard output and error. */
export function createConsoleLog(levelMin: LogLevel): Log {
  return createLog({
    levelMin,
    now: () => new Date(),
    write: (level, line) => {
      if (level === 'error' || level === 'warn') console.error(line);
      else console.log(line);
    },
  });
}

/** For what has no configuration: before it is read, or when it is invalid. */
export const consoleLog: Log = createConsoleLog('info');
