/** The ways in which a command fails. All are one line to the user, never a stack. */

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and could not be done: exit status 1. */
export class CommandFailed extends Error {
  override readonly name: string = 'CommandFailed';
}

/** The control plane was reached and refused. */
export class ControlPlaneRefused extends CommandFailed {
  override readonly name = 'ControlPlaneRefused';
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
