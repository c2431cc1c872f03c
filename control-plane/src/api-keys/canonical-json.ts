/**
 * One text per JSON value: members sorted by name, no white space. Tells whether two requests are the
 * same; not RFC 8785, and not a format that leaves the process. No I/O.
 */

/** `value` must come from `JSON.parse` or be built like it: no cycles, no `undefined` in arrays. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
