/**
 * Guarantee: the runtime that answers requests verifies as the one that runs most tests, on its own
 * base64 and without any HMAC but the one that is shipped.
 */

import { expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { hmacSha256AtOnce } from '../crypto/hmac-at-once.ts';
import { unixSeconds } from '../time.ts';
import { addThirdPartyCaveat, attenuateToken, bindDischarge } from './attenuate.ts';
import { clearCaveats } from './clear.ts';
import { encodeBaseGrant } from './grant.ts';
import { encodeIdentifier } from './identifier.ts';
import { inspectToken } from './inspect.ts';
import { mintMacaroon } from './mint.ts';
import { readMacaroonToken, writeMacaroonToken } from './token-text.ts';
import { verifyMacaroonToken } from './verify-token.ts';

const NOW = unixSeconds(1_790_000_000);
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const policy = {
  ...{ issuer: 'https://issuer.example', audience: 'https://api.example', tenantId: 'tenant-1' },
  ...{ lifetimeSecondsMax: 3600, clockSkewSeconds: 60 },
};
const rootKey = new Uint8Array(32).fill(7);
const key = {
  ...{
    kid: 'mk-1',
    tenantId: 'tenant-1',
    issuer: policy.issuer,
    audience: policy.audience,
    rootKey,
  },
  ...{ notBeforeSeconds: NOW, notAfterSeconds: unixSeconds(NOW + 1000) },
};
const caveatKey = encodeUtf8('known to the third party');

function makeToken(): string {
  const minted = mintMacaroon({
    ...{ rootKey, location: policy.issuer },
    identifier: encodeIdentifier({ tokenId: TOKEN_ID, kid: key.kid }),
    firstPartyCaveats: [
      encodeBaseGrant({
        ...{ jti: TOKEN_ID, sub: 'key-1', iss: policy.issuer, aud: policy.audience },
        ...{ nid: 'tenant-1', iat: NOW, exp: NOW + 600, scp: ['orders:read'], team: 'Καρδέα 🚪' },
      }),
    ],
  });
  const text = writeMacaroonToken({ macaroon: minted, discharges: [] });
  const narrowed = text.ok
    ? attenuateToken(text.value, ['method in GET', 'path in /%C3%A9/*'])
    : text;
  const read = narrowed.ok ? readMacaroonToken(narrowed.value) : narrowed;
  const asking = read.ok
    ? addThirdPartyCaveat(read.value.macaroon, {
        ...{ location: 'https://auth.example', identifier: encodeUtf8('who'), caveatKey },
        nonce: new Uint8Array(24).fill(9),
      })
    : read;
  if (!asking.ok) throw new Error(asking.refusal.reason);
  const firstPartyCaveats = [`token = ${TOKEN_ID}`];
  const discharge = mintMacaroon({ rootKey: caveatKey, identifier: 'who', firstPartyCaveats });
  const whole = writeMacaroonToken({
    ...{ macaroon: asking.value, discharges: [bindDischarge(asking.value, discharge)] },
  });
  if (!whole.ok) throw new Error(whole.refusal.reason);
  return whole.value;
}

const token = makeToken();
const verify = (text: string) =>
  verifyMacaroonToken(text, { keys: new Map([[key.kid, key]]), policy, nowSeconds: NOW });

test('a narrowed token with a discharge is verified, cleared and inspected', () => {
  expect(navigator.userAgent).toBe('Cloudflare-Workers');
  const verified = verify(token);
  if (!verified.ok) throw new Error(verified.refusal.reason);
  const { claims, caveats } = verified.value;
  expect(claims.customClaims).toEqual({ team: 'Καρδέα 🚪' });
  const facts = {
    ...{ nowSeconds: NOW, tenantId: 'tenant-1', keyId: 'key-1', tokenId: TOKEN_ID },
    ...{ grantedScopes: claims.scopes, requiredScopes: ['orders:read'], method: 'GET' },
  };
  expect(clearCaveats(caveats, { ...facts, path: ['é', 'x'] })).toMatchObject({ ok: true });
  expect(clearCaveats(caveats, { ...facts, path: ['e'] })).toMatchObject({
    refusal: { reason: 'caveat_not_cleared', evidence: { caveat: 'paths' } },
  });
  expect(inspectToken(token)).toMatchObject({ ok: true, value: { missingDischarges: [] } });
});

test('no other text is one', () => {
  for (let i = 0; i < token.length; i++) {
    const altered = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
    if (altered !== token) expect([i, verify(altered).ok]).toEqual([i, isLocationOfThirdParty(i)]);
  }
}, 60_000);

/** Characters that hold nothing but the one thing in a macaroon that no signature covers. */
function isLocationOfThirdParty(index: number): boolean {
  const altered = `${token.slice(0, index)}${token[index] === 'A' ? 'B' : 'A'}${token.slice(index + 1)}`;
  const [read, original] = [readMacaroonToken(altered), readMacaroonToken(token)];
  if (!read.ok || !original.ok) return false;
  const unlocated = (value: unknown) =>
    JSON.stringify(value, (name, member) => (name === 'location' ? '' : member));
  return (
    unlocated(read.value) === unlocated(original.value) &&
    read.value.macaroon.location === original.value.macaroon.location
  );
}

test('HMAC is WebCrypto’s', async () => {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  for (const length of [1, 32, 64, 65, 200]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const imported = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign']);
    const expected = new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes));
    expect(hmacSha256AtOnce(bytes, bytes)).toEqual(expected);
  }
});
