/** Guarantee: every refusal is a problem document with its status, code and challenge, and no more. */

import { REFUSALS, type RefusalReason } from '@cardea/shared/refusals';
import { describe, expect, test } from 'vitest';
import { problemResponse } from './problem.ts';

const context = {
  requestId: 'request-1',
  method: 'GET',
  realm: 'https://api.test',
  requiredScopes: ['notes:read', 'notes:write'],
};
const reasons = Object.keys(REFUSALS) as RefusalReason[];

describe('every reason of the catalogue', () => {
  test.each(reasons)('%s', async (reason) => {
    const response = problemResponse({ reason, evidence: { kid: 'evidence-1' } }, context);
    const { status, detail, wireCode } = REFUSALS[reason];
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      type: `urn:cardea:problem:${reason}`,
      title: expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
      status,
      code: reason,
      detail,
      request_id: 'request-1',
    });
    expect(text + JSON.stringify([...response.headers])).not.toContain('evidence-1');
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
    const challenge = response.headers.get('www-authenticate');
    const isChallenge = status === 401 || status === 403 || wireCode !== null;
    expect(challenge !== null).toBe(isChallenge);
    // RFC 9110 §11.6.1 and RFC 6750 §3: one Bearer challenge of quoted parameters.
    if (challenge !== null) {
      expect(challenge).toMatch(
        /^Bearer realm="[^"\\]*"(, (error|error_description|scope)="[^"\\]*")*$/,
      );
      expect(challenge.includes(`error="${wireCode}"`)).toBe(wireCode !== null);
    }
  });

  test.each(reasons)('%s has no body for HEAD, and the same head', (reason) => {
    const head = problemResponse({ reason }, { ...context, method: 'HEAD' });
    const get = problemResponse({ reason }, context);
    expect(head.body).toBeNull();
    expect([head.status, ...head.headers]).toEqual([get.status, ...get.headers]);
  });
});

describe('challenges', () => {
  const challengeOf = (reason: RefusalReason, requiredScopes = context.requiredScopes) =>
    problemResponse({ reason }, { ...context, requiredScopes }).headers.get('www-authenticate');

  test('without a credential: no error code, but what is needed', () => {
    expect(challengeOf('credential_missing')).toBe(
      'Bearer realm="https://api.test", scope="notes:read notes:write"',
    );
    expect(challengeOf('credential_missing', [])).toBe('Bearer realm="https://api.test"');
  });

  test('a token that is refused', () => {
    expect(challengeOf('token_expired')).toBe(
      'Bearer realm="https://api.test", error="invalid_token", ' +
        'error_description="The token has expired."',
    );
  });

  test('a token that lacks a scope: the scopes of the route', () => {
    expect(challengeOf('scope_insufficient')).toBe(
      'Bearer realm="https://api.test", error="insufficient_scope", ' +
        'error_description="The token lacks a scope that this route needs.", ' +
        'scope="notes:read notes:write"',
    );
  });
});

describe('the age of the feed', () => {
  const refusal = { reason: 'feed_stale' } as const;
  const answerTo = (feedAgeSeconds: number | null | undefined, method = 'GET') =>
    problemResponse(refusal, { ...context, method, feedAgeSeconds });

  test('is told where it is the reason, in the body and, for HEAD too, in a header', async () => {
    const response = answerTo(130);
    expect(response.headers.get('cardea-feed-age')).toBe('130');
    expect(await response.json()).toMatchObject({ feed_age_seconds: 130 });
    expect(answerTo(130, 'HEAD').headers.get('cardea-feed-age')).toBe('130');
  });

  test('is null without a feed, and absent where it is not the reason', async () => {
    expect(answerTo(null).headers.has('cardea-feed-age')).toBe(false);
    expect(await answerTo(null).json()).toMatchObject({ feed_age_seconds: null });
    expect(await answerTo(undefined).json()).not.toHaveProperty('feed_age_seconds');
  });
});
