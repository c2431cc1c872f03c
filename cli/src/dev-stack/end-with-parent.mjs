/**
 * Preloaded into every process of the local stack: ends it when the process that started it is
 * gone, however that ended. The channel between the two closes with either of them.
 */

/** What a process gets for stopping in order before it is ended, milliseconds. */
const GRACE_MILLISECONDS = 5_000;

if (process.channel) {
  process.on('disconnect', () => {
    process.kill(process.pid, 'SIGTERM');
    // It leads its own process group, so this reaches what it has started as well.
    setTimeout(() => process.kill(-process.pid, 'SIGKILL'), GRACE_MILLISECONDS).unref();
  });
  // Listening alone would keep a process alive that has nothing left to do.
  process.channel.unref();
}
