/**
 * The lock of the single writer on Node, as PostgreSQL keeps it: one session has it, until that session
 * ends or the server has not heard of it for a while. When the server goes, so do all sessions.
 */

import type { PublisherLock } from '@cardea/control-plane/publication/publisher-lock';
import type { Database } from './database.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** As `database/publisher-lock.pg` asks the server for it. */
const SILENCE_MILLISECONDS_MAX = 5_000;
const ANSWER_MILLISECONDS_MAX = 2_000;

interface Session {
  readonly process: Process;
  readonly term: bigint;
  heardAt: number;
}

export interface AdvisoryLockParts {
  readonly world: World;
  readonly random: Random;
  readonly database: Database;
}

export class AdvisoryLock {
  readonly #parts: AdvisoryLockParts;
  #holder: Session | undefined;

  constructor(parts: AdvisoryLockParts) {
    this.#parts = parts;
  }

  /** The server was restarted, or another one took over. */
  drop(): void {
    this.#holder = undefined;
  }

  isTermHeld(term: bigint | undefined): boolean {
    return term !== undefined && this.#present()?.term === term;
  }

  of(process: Process): PublisherLock {
    const { random } = this.#parts;
    return {
      acquire: async () => {
        if (!(await this.#isAnswered()) || this.#present() !== undefined) return undefined;
        const term = BigInt(random.integer(1, 2 ** 31)) << 20n;
        const session: Session = { process, term, heardAt: this.#parts.world.now };
        this.#holder = session;
        const isHeld = async () => {
          if (!(await this.#isAnswered()) || this.#present() !== session) return false;
          session.heardAt = this.#parts.world.now;
          return true;
        };
        return { id: term, isHeld };
      },
      close: async () => {
        if (this.#holder?.process === process) this.#holder = undefined;
      },
    };
  }

  #present(): Session | undefined {
    const holder = this.#holder;
    if (holder === undefined) return undefined;
    const isSilent = this.#parts.world.now - holder.heardAt > SILENCE_MILLISECONDS_MAX;
    if (isSilent || !holder.process.isAlive) this.#holder = undefined;
    return this.#holder;
  }

  async #isAnswered(): Promise<boolean> {
    const { world, random, database } = this.#parts;
    await world.sleep(random.integer(1, 10));
    if (database.isUp) return true;
    await world.sleep(ANSWER_MILLISECONDS_MAX);
    return false;
  }
}
