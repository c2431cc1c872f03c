/**
 * The story of a run: every event in its order, with its time. A digest of it tells whether two runs
 * were the same; the lines themselves are kept only when somebody wants to read them.
 */

import type { World } from './world.ts';

export class Story {
  readonly lines: string[] = [];
  readonly #world: World;
  readonly #startedAt: number;
  readonly #isKept: boolean;
  #digest = 0x811c9dc5;
  #count = 0;

  constructor(world: World, options: { readonly isKept: boolean }) {
    this.#world = world;
    this.#startedAt = world.now;
    this.#isKept = options.isKept;
  }

  /** One event: who, and what. */
  tell(who: string, what: string): void {
    const seconds = ((this.#world.now - this.#startedAt) / 1000).toFixed(3);
    const line = `${seconds.padStart(9)} ${who.padEnd(12)} ${what}`;
    this.#count++;
    for (let index = 0; index < line.length; index++) {
      // FNV-1a, 32 bits: two runs are to be told apart, nobody is to be kept out.
      this.#digest = Math.imul(this.#digest ^ line.charCodeAt(index), 0x01000193);
    }
    if (this.#isKept) this.lines.push(line);
  }

  /** The same for two runs that were the same, event by event. */
  get digest(): string {
    return `${this.#count}-${(this.#digest >>> 0).toString(16).padStart(8, '0')}`;
  }
}
