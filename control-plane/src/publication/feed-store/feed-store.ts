/**
 * The port to where edges read the feed. Written by the publisher's alarm and by nothing else. Throws
 * whatever the transport throws: the publisher tries again.
 */

export interface FeedStore {
  /**
   * For how long after a first confirmed write readers may be told that there is no such object: no head
   * relies on it before (`FEED_OBJECT_ARRIVAL_SECONDS`, or 0 where nobody reads here).
   */
  readonly arrivalMilliseconds: number;
  readHead(): Promise<string | undefined>;
  /** For a recovery: `undefined` if there is no such object. */
  readSegment(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes, or writes again, an immutable object. It lives for {@link KEYSET_TTL_SECONDS}. */
  writeKeyset(hash: string, text: string): Promise<void>;
  /** The same for a segment; `ttlSeconds` is at least {@link OBJECT_TTL_SECONDS_MIN}. */
  writeSegment(
    hash: string,
    content: Uint8Array<ArrayBuffer>,
    life: { readonly ttlSeconds: number },
  ): Promise<void>;
  writeHead(compactJws: string): Promise<void>;
}

/** Life of a keyset object, seconds. Those in use are rewritten daily, so none expires in use. */
export const KEYSET_TTL_SECONDS = 30 * 24 * 60 * 60;

/** KV takes no shorter life, seconds. */
export const OBJECT_TTL_SECONDS_MIN = 60;
