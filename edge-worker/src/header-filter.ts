/**
 * Remembers which header names are dropped, so that a request costs one look-up a header. Pure
 * answers about public names: what is remembered never changes an answer.
 */

/** Names remembered. Clients choose names, so the rest is judged anew each time. */
const NAMES_MAX = 512;

/** Longer names are rare and would cost memory. */
const NAME_LENGTH_MAX = 64;

/** `isDropped` with a bounded memory. */
export function rememberNames(isDropped: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const dropped = isDropped(name);
    if (known.size < NAMES_MAX && name.length <= NAME_LENGTH_MAX) known.set(name, dropped);
    return dropped;
  };
}
