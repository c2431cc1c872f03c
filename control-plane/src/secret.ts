/** A configuration secret that cannot be printed by accident. */

const REDACTED = '[redacted]';

/** Holds `T`; strings, JSON and `console` show only that something is there. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value. Call it where the value is used, and keep the result in no object. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** What `console.log` and `util.inspect` ask for, in Node and in workerd. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
