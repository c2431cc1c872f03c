/**
 * How settings are read: by name, as texts, numbers or bindings, with all that is wrong collected.
 * Knows no setting itself; `config.ts` and the two beside it do.
 */

/** The environment cannot be used. `problems` name settings and rules, never values. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is invalid. ${problems.join('. ')}.`);
    this.problems = problems;
  }
}

/** Reads single settings and collects what is wrong with them. */
export class SettingsSource {
  readonly problems: string[] = [];
  readonly #env: object;

  constructor(env: object) {
    this.#env = env;
  }

  /** The text, or `undefined` if the setting is absent or empty. */
  optional(name: string): string | undefined {
    const value: unknown = Reflect.get(this.#env, name);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'number') return String(value); // `[vars]` may hold TOML numbers.
    if (typeof value === 'string') return value;
    return this.#problem(name, 'not a text', undefined);
  }

  /** The parts between commas, without spaces around them and without empty ones. */
  list(name: string): readonly string[] {
    const parts = (this.optional(name) ?? '').split(',').map((text) => text.trim());
    return parts.filter((text) => text !== '');
  }

  required(name: string): string {
    return this.optional(name) ?? this.#problem(name, 'missing', '');
  }

  matching(name: string, { pattern, rule, or }: Pattern): string {
    const text = or === undefined ? this.required(name) : (this.optional(name) ?? or);
    if (text !== '' && !pattern.test(text)) this.fail(name, `must be ${rule}`);
    return text;
  }

  integer(name: string, { min, max, or }: IntegerRange): number {
    const text = this.optional(name);
    if (text === undefined) return or;
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return this.#problem(name, `must be an integer from ${min} to ${max}`, or);
  }

  oneOf<T extends string>(name: string, { values, or }: Choice<T>): T {
    const text = this.optional(name);
    const value = text === undefined ? or : values.find((each) => each === text);
    return value ?? this.#problem(name, `must be one of ${values.join(', ')}`, or);
  }

  binding<T extends object>(name: string): T {
    const value: unknown = Reflect.get(this.#env, name);
    if (typeof value !== 'object' || value === null) this.fail(name, 'binding missing');
    return value as T; // What kind of binding it is, only its first use can show.
  }

  fail(name: string, rule: string): void {
    this.problems.push(`${name}: ${rule}`);
  }

  #problem<T>(name: string, rule: string, standIn: T): T {
    this.fail(name, rule);
    return standIn;
  }
}

interface Pattern {
  readonly pattern: RegExp;
  readonly rule: string;
  readonly or?: string;
}

interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly or: number;
}

interface Choice<T extends string> {
  readonly values: readonly T[];
  readonly or: T;
}
