/** Guarantee: a verifier that is not told what it must pin is not made, and says what is wrong. */

import { describe, expect, test } from 'vitest';
import { createVerifier, type VerifierOptions } from './verifier.ts';

const sound: VerifierOptions = {
  feedUrl: 'http://127.0.0.1:9/base/',
  feedPublicKeys: ['iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w'],
  environmentId: 'test',
  issuer: 'https://issuer.test',
};

test('a sound one is made, refuses without a feed, and says how it stands', async () => {
  const verifier = await createVerifier(sound);
  const request = { requiredScopes: [], method: 'GET', url: 'https://api.test/x' };
  expect(await verifier.verify('eyJ.x.y', request)).toEqual({
    ok: false,
    refusal: { reason: 'feed_stale', evidence: { rule: 'read_failed' } },
  });
  expect(verifier.status()).toMatchObject({ hardSeconds: 10, fresh: false, lane: undefined });
});

describe('what is refused before the feed is asked', () => {
  test.each([
    [null, 'https://api.test/x', 'credential_missing'],
    [undefined, 'https://api.test/x', 'credential_missing'],
    ['Basic eHg6eHg=', 'https://api.test/x', 'credential_scheme_unknown'],
    ['Bearer eyJ.x.y', 'https://api.test/x?access_token=1', 'credential_ambiguous'],
    ['Bearer eyJ.x.y', 'https://api.test/a//b', 'path_ambiguous'],
  ])('%s for %s', async (authorization, url, reason) => {
    const verifier = await createVerifier(sound);
    const request = { requiredScopes: [], method: 'GET', url };
    const verified = await verifier.verifyAuthorization(authorization, request);
    expect(verified).toMatchObject({ ok: false, refusal: { reason } });
  });
});

test.each<[string, Partial<VerifierOptions>]>([
  ['feedUrl', { feedUrl: 'keys.test' }],
  ['feedUrl', { feedUrl: 'https://user:pass@keys.test' }],
  ['feedUrl', { feedUrl: 'https://keys.test?x' }],
  ['feedPublicKeys', { feedPublicKeys: [] }],
  ['feedPublicKeys', { feedPublicKeys: ['x'] }],
  ['feedPublicKeys', { feedPublicKeys: ['A'.repeat(43)] }],
  ['environmentId', { environmentId: '' }],
  ['issuer', { issuer: '' }],
  ['hardSeconds', { hardSeconds: 3 }],
  ['hardSeconds', { hardSeconds: Number.NaN }],
  ['clockSkewSeconds', { clockSkewSeconds: 61 }],
  ['clockSkewSeconds', { clockSkewSeconds: -1 }],
  ['edge.id', { edge: { id: 'a b', secret: 'A'.repeat(43) } }],
  ['edge.secret', { edge: { id: 'a', secret: 'x' } }],
])('%s: %j is no configuration', async (name, changes) => {
  const made = createVerifier({ ...sound, ...changes });
  await expect(made).rejects.toThrow(TypeError);
  await expect(made).rejects.toThrow(new RegExp(`^${name}: `));
});
