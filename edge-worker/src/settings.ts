/** The settings of the environment one by one, as texts, numbers and truth values. */

/** What the runtime hands to the worker: variables, secrets and bindings, by name. */
export type EdgeEnvironment = Readonly<Record<string, unknown>>;

interface IntegerRule {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** Reads them and collects what is wrong with them: each problem names its setting, never a value. */
export class Settings {
  readonly #env: EdgeEnvironment;
  readonly #problems: string[];

  constructor(env: EdgeEnvironment, problems: string[]) {
    this.#env = env;
    this.#problems = problems;
  }

  /** Whether it is set. An empty text counts as not set: that is how templates leave it. */
  has(name: string): boolean {
    return this.#read(name) !== '';
  }

  text(name: string, isValid: (text: string) => boolean, expected: string): string {
    const text = this.#read(name);
    if (text === '') this.#problems.push(`${name}: missing, must be ${expected}`);
    else if (!isValid(text)) this.#problems.push(`${name}: must be ${expected}`);
    return text;
  }

  integer(name: string, { min, max, fallback }: IntegerRule): number {
    const text = this.#read(name);
    if (text === '') return fallback;
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#problems.push(`${name}: must be a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** False unless it says `true`. */
  boolean(name: string): boolean {
    const text = this.#read(name);
    if (text !== '' && text !== 'true' && text !== 'false') {
      this.#problems.push(`${name}: must be "true" or "false"`);
    }
    return text === 'true';
  }

  /** A binding of the runtime as it is; `undefined` if there is none, or an empty text in its place. */
  binding(name: string): unknown {
    const value = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    return value === '' ? undefined : value;
  }

  problem(name: string, rule: string): void {
    this.#problems.push(`${name}: ${rule}`);
  }

  /** Numbers and booleans as wrangler.toml may have them unquoted; anything else is no text. */
  #read(name: string): string {
    const value = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return typeof value === 'string' ? value.trim() : '';
  }
}
