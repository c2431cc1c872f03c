/**
 * The control plane on Node: `node control-plane/src/node.ts [--migrate]`, which is what `cardea serve`
 * runs. Settings come from the environment. Ends with 0 after a stop that was asked for, with 1 if it
 * cannot start or go on.
 */

import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { parseNodeConfig } from './config.node.ts';
import { ConfigInvalid } from './config-source.ts';
import { consoleLog, type Log } from './log.ts';
import { createBufferedLog } from './node/buffered-log.ts';
import type { ControlPlane } from './node/control-plane.ts';
import { StartFailed } from './node/start-failed.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { VERSION } from './version.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

let log: Log = consoleLog;
let controlPlane: ControlPlane | undefined;
let isStopping = false;

for (const name of SIGNALS) process.on(name, onSignal);
process.on('uncaughtException', onCrash); // Rejections that nobody handles arrive here too.
await start();

async function start(): Promise<void> {
  try {
    const { migrate } = parseArgs({ options: { migrate: { type: 'boolean' } } }).values;
    const config = parseNodeConfig(process.env);
    log = createBufferedLog(config.logLevel);
    // Loading it takes a second: what is wrong with the settings is said before.
    const { startControlPlane } = await import('./node/control-plane.ts');
    controlPlane = await startControlPlane(config, { migrate: migrate === true, log });
    log('info', 'started', {
      url: controlPlane.url,
      ...(controlPlane.metricsPort === undefined ? {} : { metrics_port: controlPlane.metricsPort }),
      surface: config.surface,
      database: config.database.kind,
      feed: config.kv === undefined ? 'served at /feed/v1/head alone' : 'pushed to KV',
      version: VERSION,
      pid: process.pid,
    });
  } catch (error) {
    log('error', 'start_failed', describe(error));
    process.exit(1);
  }
}

/** The first signal stops in order; before the start, and a second time, the process ends at once. */
function onSignal(name: NodeJS.Signals): void {
  if (controlPlane === undefined || isStopping) {
    log('warn', 'stopped_at_once', { signal: name });
    process.exit(128 + constants.signals[name]);
  }
  isStopping = true;
  log('info', 'stopping', { signal: name });
  void controlPlane.stop().then((incomplete) => {
    log('info', 'stopped', incomplete.length === 0 ? {} : { incomplete });
    process.exit(incomplete.length === 0 ? 0 : 1);
  });
}

/** A bug. Its place is told, its message is not: it may quote what it failed on. */
function onCrash(error: unknown): void {
  log('error', 'crashed', describe(error));
  process.exit(1);
}

function describe(error: unknown): Record<string, string | readonly string[]> {
  if (error instanceof ConfigInvalid) {
    const help = '"npx cardea secrets" makes the secrets; docs/configuration.md explains the rest';
    return { reason: 'the configuration is invalid', problems: error.problems, help };
  }
  if (error instanceof StartFailed) return { reason: error.message };
  if (error instanceof StoreUnavailable) return { reason: 'the database cannot be reached' };
  if (!(error instanceof Error)) return { reason: 'unknown' };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { reason: error.name, at: frames.slice(0, 5).map((frame) => frame.trim()) };
}
