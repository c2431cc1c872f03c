/** Immutable objects by their hash, as many as fit into a number of bytes; the longest unused goes first. */
export class KeptObjects<T extends string | Uint8Array> {
  readonly #bytesMax: number;
  readonly #objects = new Map<string, T>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(hash: string): T | undefined {
    const object = this.#objects.get(hash);
    if (object === undefined) return undefined;
    // A Map is in the order of insertion: this one is the newest now.
    this.#objects.delete(hash);
    this.#objects.set(hash, object);
    return object;
  }

  keep(hash: string, object: T): void {
    if (this.#objects.has(hash) || object.length > this.#bytesMax) return;
    this.#objects.set(hash, object);
    this.#bytes += object.length;
    for (const [oldest, { length }] of this.#objects) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#objects.delete(oldest);
      this.#bytes -= length;
    }
  }
}
