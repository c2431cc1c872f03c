/**
 * Who may write the feed when several processes run on one database: whoever holds the lock. A term is
 * the time for which one process holds it without a break.
 */

export interface PublisherLock {
  /** A new term, or `undefined` if another process holds the lock or the database cannot be reached. */
  acquire(): Promise<PublisherTerm | undefined>;
  /** Ends the connection, and with it the term. */
  close(): Promise<void>;
}

export interface PublisherTerm {
  /** Never used twice: names the term in the storage. */
  readonly id: bigint;
  /** Asks the database: what was true a moment ago may have ended. Never rejects: no answer is no. */
  isHeld(): Promise<boolean>;
}

/** Tells the process that publishes of a revocation that another one has committed. */
export interface PublisherBell {
  ring(): Promise<void>;
  /** Calls `heard` at each ring, and when rings may have been missed. Answers how to stop it. */
  listen(heard: () => void): Promise<() => Promise<void>>;
}
