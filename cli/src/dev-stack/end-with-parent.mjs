/**
 * Preloaded into every process of the local stack: ends it, and what it has started, when the
 * process that started it is gone, however that ended. The starter holds the other end of a pipe
 * that nobody writes to; it closes with the starter.
 */

import { Socket } from 'node:net';

/** What a process gets for stopping in order before it is ended, milliseconds. */
const GRACE_MILLISECONDS = 5_000;

const descriptor = process.env.CARDEA_PARENT_PIPE;
// Processes further down have no such pipe.
delete process.env.CARDEA_PARENT_PIPE;

if (descriptor !== undefined) {
  const pipe = new Socket({ fd: Number(descriptor), readable: true, writable: false });
  pipe.on('error', () => {}); // 'close' follows.
  pipe.on('close', endWithParent);
  pipe.resume();
  pipe.unref(); // It must not keep a process alive that has nothing left to do.
}

function endWithParent() {
  if (process.listenerCount('SIGTERM') === 0) endGroup();
  process.once('exit', endGroup);
  setTimeout(endGroup, GRACE_MILLISECONDS);
  process.kill(process.pid, 'SIGTERM');
}

/** It leads its own process group, so this reaches everything that it has started, and itself. */
function endGroup() {
  process.kill(-process.pid, 'SIGKILL');
}
