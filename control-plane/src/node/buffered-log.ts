/**
 * The log on Node: what is said within one turn of the event loop leaves in one write. A line a request,
 * each with a system call of its own, costs a tenth of what serving it costs.
 */

import { createLog, type Log, type LogLevel } from '../log.ts';

/** Nothing is lost at `process.exit`: pipes, files and terminals are written synchronously there. */
export function createBufferedLog(levelMin: LogLevel): Log {
  let pending = '';
  const flush = () => {
    if (pending === '') return;
    const lines = pending;
    pending = '';
    process.stdout.write(lines);
  };
  process.once('exit', flush);
  return createLog({
    levelMin,
    now: () => new Date(),
    write: (level, line) => {
      if (level === 'error' || level === 'warn') {
        flush(); // So that the lines stay in order where both end in one place.
        process.stderr.write(`${line}\n`);
        return;
      }
      if (pending === '') setImmediate(flush);
      pending += `${line}\n`;
    },
  });
}
