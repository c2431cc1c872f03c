/** Randomness. Impure: imported by composition roots alone, which pass it inward. */

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** What operations receive as their source of randomness. */
export type RandomBytes = (length: number) => Uint8Array<ArrayBuffer>;
