/** The memory of one isolate of workerd, asked for over its inspector. */

import { setTimeout as pause } from 'node:timers/promises';

/** What V8 answers to `Runtime.getHeapUsage`, bytes. */
interface HeapUsage {
  readonly usedSize: number;
  /** Of objects of the runtime that JavaScript holds. */
  readonly embedderHeapUsedSize?: number;
  /** Of array buffers and strings outside of the heap. */
  readonly backingStorageSize?: number;
}

export interface IsolateHeap {
  /** Bytes, with what is not collected yet. Answered between two tasks of the isolate. */
  used(): Promise<number>;
  /** Bytes, after a full collection. */
  live(): Promise<number>;
  close(): void;
}

const TRIES = 50;
const COLLECTION_CALLS = 4;
const COLLECTION_MILLISECONDS = 100;

/** Of the worker `name` of the process whose inspector listens on `port`. */
export async function openIsolateHeap(port: number, name: string): Promise<IsolateHeap> {
  const socket = new WebSocket(await targetUrl(port, name));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let lastId = 0;
  const call = (method: string) => {
    const id = ++lastId;
    socket.send(JSON.stringify({ id, method }));
    return new Promise<unknown>((resolve) => void waiting.set(id, resolve));
  };
  const used = async () => sizeOf((await call('Runtime.getHeapUsage')) as HeapUsage);
  return {
    used,
    async live() {
      // Carried out, and answered, with the calls that follow.
      void call('HeapProfiler.collectGarbage');
      for (let calls = 0; calls < COLLECTION_CALLS; calls++) {
        await used();
        await pause(COLLECTION_MILLISECONDS);
      }
      return used();
    },
    close: () => socket.close(),
  };
}

function sizeOf(usage: HeapUsage): number {
  const { backingStorageSize = 0, embedderHeapUsedSize = 0, usedSize } = usage;
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl?: string;
}

/** An isolate is listed once it has run. */
async function targetUrl(port: number, name: string): Promise<string> {
  for (let tries = 0; tries < TRIES; tries++) {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as Target[];
    const target = targets.find(({ id }) => id.includes(name));
    if (target !== undefined) {
      return target.webSocketDebuggerUrl ?? `ws://127.0.0.1:${port}/${target.id}`;
    }
    await pause(100);
  }
  throw new Error(`workerd has no isolate of ${name}.`);
}
