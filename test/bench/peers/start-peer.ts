/** The servers that the benchmark compares with: each a process of its own that ends with the run. */

import { type ChildProcess, spawn } from 'node:child_process';

export interface Peer {
  readonly pid: number;
  readonly port: number;
  readonly list: readonly string[];
  readonly stop: () => void;
}

/** Starts a server that says in its first line where it listens and what it may be asked for. */
export async function startPeer(args: readonly string[]): Promise<Peer> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = JSON.parse(await firstLine(child));
  const stop = () => void child.kill('SIGTERM');
  return { pid: child.pid ?? 0, port: said.port, list: said.ids ?? said.keys, stop };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('close', (code) => reject(new Error(`A peer ended with ${code}.`)));
  });
}
