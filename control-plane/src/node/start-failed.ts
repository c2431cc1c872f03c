/** Why the server does not start: one sentence for the operator. Holds no value of any setting. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
}
