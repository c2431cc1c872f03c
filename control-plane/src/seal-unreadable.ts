/**
 * Thrown when a sealed secret opens under no configured master secret: the secret was replaced and
 * the former one is missing from `CARDEA_SECRET_RETIRED`, or the row was tampered with.
 */
export class SealUnreadable extends Error {
  override readonly name = 'SealUnreadable';

  constructor(what: string) {
    super(`The stored ${what} opens under none of the configured secrets.`);
  }
}
