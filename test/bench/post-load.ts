/**
 * POST requests on loopback, bounded in time: `wrk` where it is installed, else autocannon. A list of
 * bodies is sent in turn; every answer must be 2xx.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_GENERATOR } from './load.ts';

export interface PostLoad {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly string[];
  readonly seconds: number;
  readonly connections: number;
}

export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly p99Milliseconds: number;
}

export function postLoad(load: PostLoad): Promise<LoadFigures> {
  return LOAD_GENERATOR === 'wrk' ? withWrk(load) : withAutocannon(load);
}

async function withWrk(load: PostLoad): Promise<LoadFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
  const script = join(folder, 'post.lua');
  const quoted = (text: string) => JSON.stringify(text); // Lua reads the escapes that occur here.
  const headers = Object.entries(load.headers)
    .map(([name, value]) => `[${quoted(name)}]=${quoted(value)}`)
    .join(',');
  writeFileSync(
    script,
    `local bodies = {${load.bodies.map(quoted).join(',')}}
local headers = {${headers}}
local i = math.random(#bodies)
request = function()
  i = i % #bodies + 1
  return wrk.format("POST", nil, headers, bodies[i])
end\n`,
  );
  try {
    const output = await run([
      ...['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--latency'],
      ...['-s', script, load.url],
    ]);
    if (/Non-2xx|Socket errors/.test(output)) throw new Error(`The load had failures:\n${output}`);
    return {
      requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
      p99Milliseconds: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(output)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function milliseconds(match: RegExpExecArray | null): number {
  const [, value = 'NaN', unit = 'ms'] = match ?? [];
  return Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN);
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

async function withAutocannon(load: PostLoad): Promise<LoadFigures> {
  const { default: autocannon } = await import('autocannon');
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    requests: load.bodies.map((body) => ({ method: 'POST', headers: load.headers, body })),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} failures`);
  return { requestsPerSecond: result.requests.average, p99Milliseconds: result.latency.p99 };
}
