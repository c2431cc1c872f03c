/** Why the local stack does not run: one line for the user, never a stack trace. */
export class StackFailed extends Error {
  override readonly name = 'StackFailed';
}
