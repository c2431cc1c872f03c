/** Thrown by adapters when the database cannot answer. Becomes 503 with `Retry-After`. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(options?: ErrorOptions) {
    super('The database cannot be reached.', options);
  }
}
