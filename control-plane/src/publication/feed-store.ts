/**
 * The port to where edges read the feed. Written by the publisher's alarm and by nothing else. Throws
 * whatever the transport throws: the publisher tries again.
 */

export interface FeedStore {
  readHead(): Promise<string | undefined>;
  /** For a recovery: `undefined` if there is no such object. */
  readSegment(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes, or writes again, an immutable object. It lives for {@link KEYSET_TTL_SECONDS}. */
  writeKeyset(hash: string, text: string): Promise<void>;
  writeHead(compactJws: string): Promise<void>;
}

/** Life of a keyset object, seconds. Those in use are rewritten daily, so none expires in use. */
export const KEYSET_TTL_SECONDS = 30 * 24 * 60 * 60;
