/**
 * The headers of an answer, kept as simply as they leave. Node's own `Headers` takes every name and value
 * apart and sorts them to be read: for the eleven headers of an answer that is more than the routing of
 * the request. Behaves as `Headers` (Fetch §5) for what our answers have: one value for each name, no
 * cookies, no white space to be cut off.
 */

/** A token (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Anything but a field value (RFC 9110 §5.5). */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

export class LightHeaders {
  /** By lower-case names. */
  readonly #values = new Map<string, string>();

  constructor(init?: ResponseInit['headers']) {
    if (init === undefined) return;
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name = '', value = ''] of pairs) this.append(name, value);
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  /** Throws a `TypeError` on what would be no header, or two. */
  set(name: string, value: string): void {
    if (!NAME.test(name) || NO_VALUE.test(value)) throw new TypeError('This is no header.');
    this.#values.set(name.toLowerCase(), value);
  }

  append(name: string, value: string): void {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  getSetCookie(): string[] {
    return [];
  }

  forEach(visit: (value: string, name: string, parent: Headers) => void): void {
    for (const [name, value] of this) visit(value, name, this as unknown as Headers);
  }

  entries(): MapIterator<[string, string]> {
    return this.#values.entries();
  }

  keys(): MapIterator<string> {
    return this.#values.keys();
  }

  values(): MapIterator<string> {
    return this.#values.values();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }
}

// What passes them on asks whether they are `Headers`.
Object.setPrototypeOf(LightHeaders.prototype, Headers.prototype);
