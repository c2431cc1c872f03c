/**
 * Routing that remembers. A path without parameters is always led to the same handlers, and those are
 * the paths of every hot operation; the router that can read our verbs walks a tree of patterns for them
 * each time. Whatever is not one of the routes' own paths, letter for letter, goes to that router.
 */

import type { Result, Router } from 'hono/router';
import { TrieRouter } from 'hono/router/trie-router';

/** What makes a path a pattern; a colon within a segment is the beginning of a verb. */
const PATTERN = /\/:|[*{]/;

export class ExactPathRouter<T> implements Router<T> {
  readonly name = 'ExactPathRouter';
  readonly #patterns = new TrieRouter<T>();
  /** By method and path: what the other router answers, once it was asked. */
  readonly #exact = new Map<string, Result<T> | undefined>();

  add(method: string, path: string, handler: T): void {
    this.#patterns.add(method, path, handler);
    for (const known of this.#exact.keys()) this.#exact.set(known, undefined);
    if (!PATTERN.test(path)) this.#exact.set(`${method} ${path}`, undefined);
  }

  match(method: string, path: string): Result<T> {
    const name = `${method} ${path}`;
    const known = this.#exact.get(name);
    if (known !== undefined) return known;
    const found = this.#patterns.match(method, path);
    if (this.#exact.has(name)) this.#exact.set(name, found);
    return found;
  }
}
