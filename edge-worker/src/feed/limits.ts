/** The periods of the feed's refresh, with unit and reason (docs/feed.md, "Edge refresh"). */

/**
 * A fresh snapshot is refreshed in the background when the last attempt is this long ago. Of KV: a refresh
 * is two reads in a row, so the last one is over by then, or it was cancelled with its request. The
 * publisher is never asked more often than this, whatever happens.
 */
export const REFRESH_MILLISECONDS = { a: 10_000, b: 1_000 } as const;

/** A stale snapshot lets one request wait for a refresh, at most this often. */
export const STALE_REFRESH_MILLISECONDS = 1_000;

/** A token that names an unknown key forces a refresh at most this often: anybody can send one. */
export const FORCED_REFRESH_MILLISECONDS = 10_000;

/** A read that takes longer counts as failed: a request waits for it. */
export const READ_TIMEOUT_MILLISECONDS = 2_000;

/** How long a location may answer with its copy of the head; the least that KV allows. */
export const HEAD_CACHE_SECONDS = 30;

/** Immutable objects never change under their name. */
export const OBJECT_CACHE_SECONDS = 86_400;

/** KV caches a miss as well: the second look asks for one no older than this. */
export const MISSING_OBJECT_CACHE_SECONDS = 30;

/**
 * Entries that one request checks: 1.9 MB to read, hash and look through, some 5 ms. A feed with more is
 * loaded by several requests, one after the other. A segment is checked whole, whatever it holds; the
 * publisher makes none larger than this.
 */
export const PORTION_ENTRIES_MAX = 160_000;

/** How long requests wait for a load that is under way: as long as one read may take. */
export const LOAD_WAIT_MILLISECONDS = READ_TIMEOUT_MILLISECONDS;

/** How often they look, to go on with it where nobody is at it. A load takes some 10 to 50 ms. */
export const LOAD_POLL_MILLISECONDS = 10;

/**
 * How often they look once they have done their own portion; they give up if nobody has gone on with the load
 * since the last time. A look takes a quarter of a millisecond, which adds up where many wait.
 */
export const HELPED_POLL_MILLISECONDS = 50;
