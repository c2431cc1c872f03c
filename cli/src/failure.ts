/** The two ways in which a command fails. Both are one line to the user, never a stack. */

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and could not be done: exit status 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
