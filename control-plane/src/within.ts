/** Bounds how long an answer from another process is waited for. */

export class TimedOut extends Error {
  override readonly name = 'TimedOut';

  constructor(milliseconds: number) {
    super(`No answer within ${milliseconds} ms.`);
  }
}

/**
 * The answer of `work`, or {@link TimedOut}. The work itself is not cancelled: it may still take
 * effect afterwards, and callers must be right in both cases.
 */
export async function within<T>(milliseconds: number, work: PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
