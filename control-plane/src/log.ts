/** The operator's log: one JSON object a line. Carries no secret, no query text and no body. */

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type Log = (level: 'info' | 'error', event: string, fields: LogFields) => void;

/** For composition roots. Workers collects the console. */
export const consoleLog: Log = (level, event, fields) => {
  const line = JSON.stringify({ level, event, ...fields });
  if (level === 'error') console.error(line);
  else console.log(line);
};
