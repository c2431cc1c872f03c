/**
 * Preloaded into every process of the local stack: ends it, and what it has started, when the
 * process that started it is gone, however that ended. The channel between the two closes then.
 */

/** What a process gets for stopping in order before it is ended, milliseconds. */
const GRACE_MILLISECONDS = 5_000;

/** It leads its own process group, so this reaches everything that it has started, and itself. */
function endGroup() {
  process.kill(-process.pid, 'SIGKILL');
}

if (process.channel) {
  process.on('disconnect', () => {
    if (process.listenerCount('SIGTERM') === 0) endGroup();
    process.once('exit', endGroup);
    setTimeout(endGroup, GRACE_MILLISECONDS);
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening alone would keep a process alive that has nothing left to do.
  process.channel.unref();
}
