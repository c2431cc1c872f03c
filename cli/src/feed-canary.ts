/**
 * The canary: revokes a throw-away token and watches the edge until it refuses it. One round is one
 * token. Time, pauses and calls come from outside.
 */

/** What the edge made of the token. `unavailable`: it made nothing of it, so nothing was let through. */
export type EdgeAnswer = 'accepted' | 'refused' | 'unavailable';

export interface CanaryParts {
  /** Derives a token that lives so long, seconds. */
  readonly derive: (
    ttlSeconds: number,
  ) => Promise<{ readonly token: string; readonly jti: string }>;
  /** Answers when the control plane has acknowledged it, with the id of the revocation. */
  readonly revoke: (jti: string) => Promise<{ readonly id: string; readonly status: string }>;
  readonly callEdge: (token: string) => Promise<EdgeAnswer>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/**
 * `in_time` and `late` say when the edge let the token through for the last time. `not_refused`: it still
 * did at twice the bound. `not_accepted`: it never did, so there was nothing to see.
 */
export type CanaryOutcome = 'in_time' | 'late' | 'not_refused' | 'not_accepted';

/** One line of output. Seconds are counted from the answer to the revocation. */
export interface CanaryRound {
  readonly time: string;
  readonly outcome: CanaryOutcome;
  readonly jti: string;
  readonly revocation_id?: string;
  /** Of the revocation when it was answered: `accepted` if the publisher could not be told. */
  readonly revocation_status?: string;
  readonly first_refused_seconds?: number;
  readonly last_accepted_seconds?: number;
  readonly bound_seconds: number;
  readonly calls: number;
  /** Calls that the edge answered with 5xx, or not at all. */
  readonly unavailable: number;
}

const POLL_MILLISECONDS = 200;
/** A refusal counts once nothing has been let through for so long: isolates learn one by one. */
const QUIET_MILLISECONDS = 3000;
/** How long a fresh token may take to be accepted: the edge may have just started. */
const ACCEPTANCE_MILLISECONDS_MAX = 15_000;

export async function runRound(parts: CanaryParts, boundSeconds: number): Promise<CanaryRound> {
  const { now, pause } = parts;
  const seen = { calls: 0, unavailable: 0 };
  const ask = async (token: string) => {
    const answer = await parts.callEdge(token);
    seen.calls++;
    if (answer === 'unavailable') seen.unavailable++;
    return answer;
  };
  const startedAt = now();
  const time = new Date(startedAt).toISOString();
  // It must outlive what is waited for, or its end would pass for its revocation.
  const { token, jti } = await parts.derive(Math.ceil(2 * boundSeconds) + 120);
  while ((await ask(token)) !== 'accepted') {
    if (now() - startedAt > ACCEPTANCE_MILLISECONDS_MAX) {
      return { time, outcome: 'not_accepted', jti, bound_seconds: boundSeconds, ...seen };
    }
    await pause(POLL_MILLISECONDS);
  }
  const { id, status } = await parts.revoke(jti);
  const watched = await watch({ ask: () => ask(token), now, pause }, boundSeconds);
  const revocation = { revocation_id: id, revocation_status: status };
  return { time, ...watched, jti, ...revocation, bound_seconds: boundSeconds, ...seen };
}

interface Watch extends Pick<CanaryParts, 'now' | 'pause'> {
  readonly ask: () => Promise<EdgeAnswer>;
}

/** Until nothing has been let through for a while, or twice the bound is over. */
async function watch({ ask, now, pause }: Watch, boundSeconds: number) {
  const from = now();
  const secondsSince = (at: number) => Math.max(0, at - from) / 1000;
  let lastAcceptedAt = from;
  let refusedAt: number | undefined;
  while (refusedAt === undefined || now() - refusedAt < QUIET_MILLISECONDS) {
    const askedAt = now();
    const answer = await ask();
    if (answer === 'accepted') {
      lastAcceptedAt = askedAt;
      refusedAt = undefined;
      if (secondsSince(now()) > 2 * boundSeconds) {
        return { outcome: 'not_refused', last_accepted_seconds: secondsSince(askedAt) } as const;
      }
    } else if (answer === 'refused') {
      refusedAt ??= now();
    } else if (secondsSince(now()) > 2 * boundSeconds) {
      break; // Nothing is let through; that nothing is refused is somebody else's alarm.
    }
    await pause(POLL_MILLISECONDS);
  }
  const lastAccepted = secondsSince(lastAcceptedAt);
  const outcome = lastAccepted <= boundSeconds ? ('in_time' as const) : ('late' as const);
  return {
    outcome,
    last_accepted_seconds: lastAccepted,
    ...(refusedAt === undefined ? {} : { first_refused_seconds: secondsSince(refusedAt) }),
  };
}
