/** Where the edge reads the feed's objects. An answer that does not come is an outage, not a value. */

export interface FeedSource {
  /**
   * The text of the head, `undefined` if there is none; `heldSeq` is that of the head which the edge
   * uses, for whoever wants to know how far edges are. Throws {@link FeedUnreadable}.
   */
  readHead(heldSeq?: number): Promise<string | undefined>;
  /** The bytes of an immutable object by its name. Throws {@link FeedUnreadable}. */
  readObject(name: string): Promise<ArrayBuffer | undefined>;
}

/** Nothing came, not in time, or something else than a feed. */
export type Outage = 'read_failed' | 'read_timeout' | 'read_unexpected';

/** The store did not answer. Stale reads and missing objects are no outage. */
export class FeedUnreadable extends Error {
  readonly code: Outage;

  constructor(code: Outage, options?: ErrorOptions) {
    super(`the feed could not be read: ${code}`, options);
    this.name = 'FeedUnreadable';
    this.code = code;
  }
}
