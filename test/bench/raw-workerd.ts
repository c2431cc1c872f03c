/**
 * Several workers in one workerd process, each on a socket of its own, without the proxies that
 * development servers put in front: requests per second are those of workerd alone. Loopback only.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { COMPATIBILITY_DATE } from './workerd.ts';

export interface RawWorker {
  readonly name: string;
  readonly script: string;
  readonly text?: Readonly<Record<string, string>>;
  /** The worker that answers what this one fetches. */
  readonly outbound?: string;
  /** What answers reads of the KV namespace `FEED`: a worker, or a server on loopback. */
  readonly feed?: string | { readonly port: number };
}

export interface RunningRawWorkerd {
  readonly pid: number;
  urlOf(name: string): URL;
  stop(): Promise<void>;
}

const START_SECONDS_MAX = 20;

export async function startRawWorkerd(workers: readonly RawWorker[]): Promise<RunningRawWorkerd> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-workerd-'));
  for (const { name, script } of workers) writeFileSync(join(folder, `${name}.mjs`), script);
  const configPath = join(folder, 'config.capnp');
  writeFileSync(configPath, configOf(workers));
  const { default: binary }: { default: string } = createRequire(import.meta.url)('workerd');
  const child = spawn(binary, ['serve', configPath, '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const ports = await readPorts(child.stdio[3] as Readable, workers.length);
    const urlOf = (name: string): URL => new URL(`http://127.0.0.1:${ports.get(name)}`);
    return { pid: child.pid ?? 0, urlOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** workerd says on its control channel which port each socket got. */
async function readPorts(control: Readable, count: number): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  let buffered = '';
  const timer = setTimeout(() => control.destroy(), START_SECONDS_MAX * 1000);
  for await (const chunk of control) {
    buffered += String(chunk);
    const lines = buffered.split('\n');
    buffered = lines.pop() ?? '';
    for (const line of lines.filter((each) => each !== '')) {
      const event: { event: string; socket: string; port: number } = JSON.parse(line);
      if (event.event === 'listen') ports.set(event.socket, event.port);
    }
    if (ports.size === count) break;
  }
  clearTimeout(timer);
  if (ports.size !== count) throw new Error('workerd did not start.');
  return ports;
}

function configOf(workers: readonly RawWorker[]): string {
  const services = workers.map(
    (worker) => `(name = "${worker.name}", worker = ${workerOf(worker)})`,
  );
  for (const { name, feed } of workers) {
    if (typeof feed !== 'object') continue;
    const address = `127.0.0.1:${feed.port}`;
    services.push(`(name = "${name}-feed", external = (address = "${address}", http = ()))`);
  }
  const sockets = workers.map(
    ({ name }) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(',\n')}],
  sockets = [${sockets.join(',\n')}],
);
`;
}

function workerOf({ name, text = {}, outbound, feed }: RawWorker): string {
  // A text of Cap'n Proto's schema language is quoted as in JSON.
  const bindings = Object.entries(text).map(
    ([key, value]) => `(name = "${key}", text = ${JSON.stringify(value)})`,
  );
  if (feed !== undefined) {
    const service = typeof feed === 'string' ? feed : `${name}-feed`;
    bindings.push(`(name = "FEED", kvNamespace = "${service}")`);
  }
  const outboundOf = outbound === undefined ? '' : `, globalOutbound = "${outbound}"`;
  return `(
    modules = [(name = "main", esModule = embed "${name}.mjs")],
    compatibilityDate = "${COMPATIBILITY_DATE}",
    bindings = [${bindings.join(', ')}]${outboundOf}
  )`;
}
