/**
 * A TCP proxy of the loopback address that fails as networks do. Put in front of a database, it shows
 * what a server does when that is stopped, silent, slow, or cut off in the middle of an answer.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * `pass`: as if it were not there. `refuse`: nobody listens, and open connections are reset.
 * `blackhole`: connections are accepted and kept, and not a byte passes.
 */
export type ProxyMode = 'pass' | 'refuse' | 'blackhole';

export type Direction = 'to_target' | 'from_target';

export interface TcpProxy {
  readonly port: number;
  /** `url` with this proxy in the place of its host. */
  through(url: string): string;
  setMode(mode: ProxyMode): Promise<void>;
  /** Resets every open connection; new ones pass as the mode says. */
  cut(): void;
  /** Resets the connection on which the `bytes`-th byte from now on passes, right behind it. Once. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Every piece of data is held back for so long, each way. 0 for no delay. */
  setDelay(milliseconds: number): void;
  /** Connections that have been accepted so far. */
  readonly accepted: () => number;
  dispose(): Promise<void>;
}

export async function startTcpProxy(target: {
  readonly host?: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const proxy = new Proxying(target);
  await proxy.listen(0);
  return proxy;
}

interface Cut {
  readonly direction: Direction;
  remaining: number;
}

class Proxying implements TcpProxy {
  port = 0;
  readonly #target: { readonly host?: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #mode: ProxyMode = 'pass';
  #delay = 0;
  #cut: Cut | undefined;
  #accepted = 0;
  /** What a black hole has swallowed and may still deliver. */
  #held: Array<() => void> = [];

  constructor(target: { readonly host?: string; readonly port: number }) {
    this.#target = target;
  }

  async listen(port: number): Promise<void> {
    const server = createServer((client) => this.#accept(client));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  async setMode(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    if (mode === 'refuse') {
      await this.#close();
      return;
    }
    if (this.#server === undefined) await this.listen(this.port);
    if (mode === 'pass') for (const deliver of this.#held.splice(0)) deliver();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#held = [];
  }

  cutAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, remaining: bytes };
  }

  setDelay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  accepted = (): number => this.#accepted;

  async dispose(): Promise<void> {
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    if (server === undefined) return;
    server.close();
    await once(server, 'close');
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const target = connect({ host: '127.0.0.1', ...this.#target });
    this.#join(client, target, 'to_target');
    this.#join(target, client, 'from_target');
  }

  #join(from: Socket, to: Socket, direction: Direction): void {
    const line = new DelayLine();
    this.#sockets.add(from);
    from.on('error', () => {}); // 'close' follows.
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#pass(line, () => to.destroy());
    });
    from.on('data', (chunk: Buffer) => {
      this.#pass(line, () => this.#forward(chunk, { to, direction }));
    });
  }

  #forward(chunk: Buffer, { to, direction }: { to: Socket; direction: Direction }): void {
    const cut = this.#cut;
    if (cut === undefined || cut.direction !== direction || chunk.length < cut.remaining) {
      if (cut?.direction === direction) cut.remaining -= chunk.length;
      to.write(chunk);
      return;
    }
    this.#cut = undefined;
    to.write(chunk.subarray(0, cut.remaining), () => this.cut());
  }

  /** Now, after the delay, or when the black hole gives it back: always in order. */
  #pass(line: DelayLine, deliver: () => void): void {
    if (this.#mode === 'blackhole') this.#held.push(() => this.#pass(line, deliver));
    else line.add(this.#delay, deliver);
  }
}

/** What is under way on one connection in one direction. Nothing overtakes what came before it. */
class DelayLine {
  readonly #underWay: Array<() => void> = [];

  add(milliseconds: number, deliver: () => void): void {
    this.#underWay.push(deliver);
    // Each timer lets the oldest go, so that one which fires early lets nothing overtake.
    if (milliseconds > 0) setTimeout(() => this.#underWay.shift()?.(), milliseconds);
    else if (this.#underWay.length === 1) this.#underWay.shift()?.();
    else setTimeout(() => this.#underWay.shift()?.(), 0);
  }
}
