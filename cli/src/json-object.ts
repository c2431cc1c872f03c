/** Reads JSON whose shape nobody has checked yet. */

/** The object that `text` is, or `undefined` if it is not JSON or something else than an object. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asJsonObject(JSON.parse(text));
  } catch {
    return undefined; // Not JSON: what that means, the caller knows.
  }
}

/** `value` as an object with unknown members; arrays and null are none. */
export function asJsonObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value));
}

/** `value` if it is a text, otherwise the empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
