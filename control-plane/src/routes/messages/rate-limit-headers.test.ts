import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import type { CredentialUse } from '../../api-keys/use-credential.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

const now = unixMilliseconds(0);
const decision = { isAllowed: false, remaining: 0, resetSeconds: 59.2, retryAfterSeconds: 0.6 };
const limited = (
  policy: { quota: string; windowSeconds: number },
  changes = {},
): CredentialUse => ({
  outcome: 'rate_limited',
  rateLimit: { policy, now, decision: { ...decision, ...changes } },
});

test.each([
  [
    'whole numbers, rounded up',
    limited({ quota: '100', windowSeconds: 60 }),
    {
      'RateLimit-Policy': '"default";q=100;w=60',
      RateLimit: '"default";r=0;t=60',
      'Retry-After': '1',
    },
  ],
  [
    'at least one second',
    limited({ quota: '1000', windowSeconds: 1 }, { retryAfterSeconds: 0.001 }),
    {
      'RateLimit-Policy': '"default";q=1000;w=1',
      RateLimit: '"default";r=0;t=60',
      'Retry-After': '1',
    },
  ],
  [
    'windows of whole seconds',
    limited({ quota: '7', windowSeconds: 1.5 }, { retryAfterSeconds: 3 }),
    {
      'RateLimit-Policy': '"default";q=7;w=2',
      RateLimit: '"default";r=0;t=60',
      'Retry-After': '3',
    },
  ],
  [
    'integers as structured fields have them',
    limited({ quota: '9223372036854775807', windowSeconds: 60 }, { isAllowed: true, remaining: 5 }),
    { 'RateLimit-Policy': '"default";q=999999999999999;w=60', RateLimit: '"default";r=5;t=60' },
  ],
  [
    'the policy alone when nobody could tell',
    { outcome: 'rate_limited', rateLimit: { policy: { quota: '1', windowSeconds: 1 }, now } },
    { 'RateLimit-Policy': '"default";q=1;w=1' },
  ],
  ['nothing of a refused key', { outcome: 'refused', refusal: { reason: 'api_key_unknown' } }, {}],
] satisfies Array<[string, CredentialUse, object]>)('%s', (_, use, headers) => {
  expect(rateLimitHeaders(use)).toEqual(headers);
});
