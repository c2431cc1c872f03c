/**
 * Virtual time. What happens next is the earliest thing planned; time stands still while it happens.
 *
 * The code under test awaits WebCrypto, which answers when it likes. So after each event the world
 * waits until no call of WebCrypto is open and every continuation has run: then all that is left
 * waits for the world, and the order of events follows from the plan alone.
 */

import { setImmediate } from 'node:timers/promises';
import { openCryptoCalls } from './virtual-platform.ts';

export class World {
  /** Milliseconds since 1970 by the one true clock; everybody's own clock differs by an offset. */
  now: number;
  readonly #plan: Planned[] = [];
  #count = 0;

  constructor(startMilliseconds: number) {
    this.now = startMilliseconds;
  }

  /**
   * Plans `action` in `milliseconds`; what is planned for one instant keeps its order. Answers how to
   * call it off.
   */
  after(milliseconds: number, action: () => void): () => void {
    const at = this.now + Math.max(0, milliseconds);
    const planned: Planned = { at, order: this.#count++, action };
    // From the end: most of what is planned is planned for late.
    let index = this.#plan.length;
    while (index > 0 && isBefore(planned, this.#plan[index - 1])) index--;
    this.#plan.splice(index, 0, planned);
    return () => {
      planned.action = undefined;
    };
  }

  /** Again and again, so many milliseconds apart as `gap` says each time. */
  every(gap: () => number, action: () => void): void {
    this.after(gap(), () => {
      action();
      this.every(gap, action);
    });
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(milliseconds, resolve);
    });
  }

  /** Runs what is planned, as long as `check`, called after each event, answers true. */
  async run(check: () => boolean): Promise<void> {
    await settled();
    for (let next = this.#plan.shift(); next !== undefined; next = this.#plan.shift()) {
      if (next.action === undefined) continue;
      this.now = next.at;
      next.action();
      await settled();
      if (!check()) return;
    }
  }
}

interface Planned {
  readonly at: number;
  readonly order: number;
  /** Absent once it was called off. */
  action: (() => void) | undefined;
}

function isBefore(a: Planned, b: Planned | undefined): boolean {
  return b !== undefined && (a.at === b.at ? a.order < b.order : a.at < b.at);
}

async function settled(): Promise<void> {
  do await setImmediate();
  while (openCryptoCalls() > 0);
}
