import { problemResponse } from '../../http/problem.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';

/** The publisher cannot be reached, or has not published anything yet. */
export function feedUnavailable(): Response {
  const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
  const message = 'The feed is not to be had for the moment.';
  return problemResponse({ code: 'service_unavailable', message }, headers);
}
