/**
 * Requests per second on loopback, bounded in time: `wrk` where it is installed (it takes little of
 * the processor away from what is measured), else autocannon. Both send the same tokens in turn.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Load {
  readonly url: URL;
  readonly tokens: readonly string[];
  readonly seconds: number;
  readonly connections: number;
}

export const LOAD_GENERATOR = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon';

/** Completed requests per second. Throws when any answer was not 2xx. */
export function requestsPerSecond(load: Load): Promise<number> {
  return LOAD_GENERATOR === 'wrk' ? withWrk(load) : withAutocannon(load);
}

async function withWrk({ url, tokens, seconds, connections }: Load): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
  const script = join(folder, 'tokens.lua');
  const list = tokens.map((token) => `"Bearer ${token}"`).join(',');
  writeFileSync(
    script,
    `local tokens = {${list}}\nlocal i = 0\nlocal headers = {}\n
request = function()
  i = i % #tokens + 1
  headers["Authorization"] = tokens[i]
  return wrk.format("GET", nil, headers)
end\n`,
  );
  try {
    const output = await run('wrk', [
      ...['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url.href],
    ]);
    if (/Non-2xx|Socket errors/.test(output)) throw new Error(`The load had failures:\n${output}`);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

async function withAutocannon({ url, tokens, seconds, connections }: Load): Promise<number> {
  const { default: autocannon } = await import('autocannon');
  const result = await autocannon({
    url: url.href,
    connections,
    duration: seconds,
    requests: tokens.map((token) => ({ headers: { authorization: `Bearer ${token}` } })),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} failures`);
  return result.requests.average;
}
