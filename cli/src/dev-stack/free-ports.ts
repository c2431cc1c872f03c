/** Ports on the loopback address: is one free, and which are. */

import { createServer, type Server } from 'node:net';
import { StackFailed } from './stack-failed.ts';

export const LOOPBACK = '127.0.0.1';

/** Fails naming the first of `ports` that somebody listens on; `name` is the setting to change. */
export async function assertPortsFree(
  ports: readonly { readonly name: string; readonly port: number }[],
): Promise<void> {
  for (const { name, port } of ports) {
    let server: Server;
    try {
      server = await listen(port);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      const reason = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${code})`;
      throw new StackFailed(`port ${port} on ${LOOPBACK} ${reason}: set ${name} to another`);
    }
    await close(server);
  }
}

/** `count` different ports that were free a moment ago. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) servers.push(await listen(0));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP port was expected');
    return address.port;
  });
  await Promise.all(servers.map(close));
  return ports;
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
