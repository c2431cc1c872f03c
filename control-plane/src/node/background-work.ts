/** Work that goes on after the answer. A stopping process waits for it. */

export interface BackgroundWork {
  /** Takes work that reports its own failures. */
  readonly add: (work: Promise<void>) => void;
  /** Resolves when nothing is left. */
  settled(): Promise<void>;
}

export function createBackgroundWork(): BackgroundWork {
  const pending = new Set<Promise<void>>();
  return {
    add(work) {
      const tracked = work.catch(() => {}).finally(() => pending.delete(tracked));
      pending.add(tracked);
    },
    async settled() {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}
