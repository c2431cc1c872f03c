/**
 * A process that may end at every await: whatever it calls outside of itself goes through `guard`,
 * and there it may crash before the call has an effect, or after it and before it hears the answer.
 * A process that has ended goes on nowhere; one that stands still goes on when it is let go.
 */

import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface ProcessParts {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  /** From 0 to 1, at each side of each call; asked each time, for faults come and go. */
  readonly crashChance: () => number;
  /** Told where: `port.method before` or `port.method after`. */
  readonly onCrash: (place: string) => void;
}

const NEVER = new Promise<never>(() => undefined);

export class Process {
  readonly name: string;
  isAlive = true;
  readonly #parts: ProcessParts;
  #frozenUntil = 0;
  #whenEnded: Array<() => void> = [];

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  /** Ends at once: nothing after the await that it is at will ever run. */
  end(): void {
    this.isAlive = false;
    for (const tell of this.#whenEnded) tell();
    this.#whenEnded = [];
  }

  /** Stands still, as a process does whose machine is suspended. */
  freeze(milliseconds: number): void {
    this.#frozenUntil = this.#parts.world.now + milliseconds;
  }

  get isFrozen(): boolean {
    return this.#frozenUntil > this.#parts.world.now;
  }

  /** The answer of a call into this process from outside; rejects when the process ends first. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isAlive) throw new ProcessEnded();
    return new Promise((resolve, reject) => {
      this.#whenEnded.push(() => reject(new ProcessEnded()));
      work().then(resolve, reject);
    });
  }

  /** `port`, for use in this process. Methods of objects in it are guarded as well. */
  guard<T extends object>(label: string, port: T): T {
    const guarded = new Map<PropertyKey, unknown>();
    return new Proxy(port, {
      get: (object, property) => {
        const known = guarded.get(property);
        if (known !== undefined) return known;
        const value: unknown = Reflect.get(object, property, object);
        const wrapped = this.#guarded(`${label}.${String(property)}`, { value, object });
        if (wrapped !== value) guarded.set(property, wrapped);
        return wrapped;
      },
    });
  }

  #guarded(place: string, { value, object }: { value: unknown; object: object }): unknown {
    if (typeof value === 'object' && value !== null) return this.guard(place, value);
    if (typeof value !== 'function') return value;
    return (...parameters: unknown[]) =>
      this.around(place, async () => value.apply(object, parameters));
  }

  /** `call`, unless the process has ended, or ends here. */
  async around<T>(place: string, call: () => Promise<T>): Promise<T> {
    await this.#mayGoOn(`${place} before`);
    try {
      return await call();
    } finally {
      await this.#mayGoOn(`${place} after`);
    }
  }

  async #mayGoOn(place: string): Promise<void> {
    const { world, random, crashChance, onCrash } = this.#parts;
    while (this.isAlive && this.isFrozen) await world.sleep(this.#frozenUntil - world.now);
    if (this.isAlive && random.chance(crashChance())) {
      this.end();
      onCrash(place);
    }
    if (!this.isAlive) await NEVER;
  }
}

/** Whoever called into a process that ended hears this. */
export class ProcessEnded extends Error {
  override name = 'ProcessEnded';
}
