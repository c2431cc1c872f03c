/** Where the edge reads the feed's objects. An answer that does not come is an outage, not a value. */

export interface FeedSource {
  /** The text of the head, `undefined` if there is none. Throws {@link FeedUnreadable}. */
  readHead(): Promise<string | undefined>;
  /** The bytes of an immutable object by its name. Throws {@link FeedUnreadable}. */
  readObject(name: string): Promise<ArrayBuffer | undefined>;
}

/** The store did not answer, or not in time. Stale reads and missing objects are no outage. */
export class FeedUnreadable extends Error {
  readonly code: 'read_failed' | 'read_timeout';

  constructor(code: 'read_failed' | 'read_timeout', options?: ErrorOptions) {
    super(`the feed could not be read: ${code}`, options);
    this.name = 'FeedUnreadable';
    this.code = code;
  }
}
