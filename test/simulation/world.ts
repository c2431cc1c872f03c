/**
 * Virtual time. What happens next is the earliest thing planned; time stands still while it happens.
 *
 * The code under test awaits WebCrypto, which answers when it likes. So after each event the world
 * waits until no call of WebCrypto is open and every continuation has run: then all that is left
 * waits for the world, and the order of events follows from the plan alone.
 */

import { setImmediate } from 'node:timers/promises';

export class World {
  /** Milliseconds since 1970 by the one true clock; everybody's own clock differs by an offset. */
  now: number;
  readonly #plan: Planned[] = [];
  #count = 0;

  constructor(startMilliseconds: number) {
    this.now = startMilliseconds;
  }

  /** Plans `action` in `milliseconds`; what is planned for one instant keeps its order. */
  after(milliseconds: number, action: () => void): void {
    const planned = { at: this.now + Math.max(0, milliseconds), order: this.#count++, action };
    // From the end: most of what is planned is planned for late.
    let index = this.#plan.length;
    while (index > 0 && isBefore(planned, this.#plan[index - 1])) index--;
    this.#plan.splice(index, 0, planned);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Runs what is planned up to `untilMilliseconds`. `check` is called after each event. */
  async run(untilMilliseconds: number, check: () => void): Promise<void> {
    await settled();
    for (let next = this.#plan.shift(); next !== undefined; next = this.#plan.shift()) {
      if (next.at > untilMilliseconds) return;
      this.now = next.at;
      next.action();
      await settled();
      check();
    }
  }
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

function isBefore(a: Planned, b: Planned | undefined): boolean {
  return b !== undefined && (a.at === b.at ? a.order < b.order : a.at < b.at);
}

let openCalls = 0;

async function settled(): Promise<void> {
  do await setImmediate();
  while (openCalls > 0);
}

/** Counts the open calls of WebCrypto in this process. It observes and changes nothing. */
export function observeWebCrypto(): void {
  const prototype = Object.getPrototypeOf(crypto.subtle);
  for (const name of ['sign', 'verify', 'digest', 'importKey'] as const) {
    const original: (...parameters: unknown[]) => Promise<unknown> = prototype[name];
    prototype[name] = async function observed(this: SubtleCrypto, ...parameters: unknown[]) {
      openCalls++;
      try {
        return await original.apply(this, parameters);
      } finally {
        openCalls--;
      }
    };
  }
}
