/** Guarantee: a JWT makes an administrator only if the issuer said so, for us, now, and not for long. */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { importVerificationKey } from '@cardea/shared/crypto/verification-key';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import {
  AUDIENCE,
  ISSUER,
  type IssuerKey,
  makeIssuerKey,
  signAdminToken,
  type TokenChange,
} from '../../testing/issuer.ts';
import type { AdminRole } from '../admin-credentials/admin-credential.ts';
import { type AdminJwtPolicy, verifyAdminJwt } from './admin-jwt.ts';
import type { FoundKey } from './issuer-keys.ts';

const key = await makeIssuerKey('ES256', 'one');
const stranger = await makeIssuerKey('ES256', 'one');
const NOW = Math.floor(Date.now() / 1000);

const POLICY: AdminJwtPolicy = {
  ...{ issuer: ISSUER, audience: AUDIENCE, roleClaim: 'groups' },
  roles: new Map<string, AdminRole>([
    ['admins', 'owner'],
    ['ops', 'operator'],
    ['watchers', 'auditor'],
  ]),
};

async function judge(
  token: string,
  { policy = {}, known = [key] }: { policy?: Partial<AdminJwtPolicy>; known?: IssuerKey[] } = {},
) {
  const find = async (kid: string): Promise<FoundKey> => {
    const found = known.find((each) => each.kid === kid);
    if (found === undefined) return { outcome: 'unknown' };
    const imported = await importVerificationKey(found.jwk);
    if (!imported.ok) throw new Error('The key is refused.');
    return { outcome: 'found', key: imported.value };
  };
  return verifyAdminJwt(token, {
    policy: { ...POLICY, ...policy },
    keys: { find },
    nowSeconds: unixSeconds(NOW),
    clockSkewSeconds: 60,
  });
}

const part = (value: unknown) => encodeBase64url(encodeUtf8(JSON.stringify(value)));
const good = await signAdminToken(key);
const foreign = await signAdminToken(stranger);
const [header = '', payload = '', signature = ''] = good.split('.');
const refusedFor = (reason: string) => ({ outcome: 'refused', reason });
const authenticated = (role: AdminRole, tenant = {}) => ({
  outcome: 'authenticated',
  principal: { kind: 'admin_jwt', id: 'alice', role, ...tenant },
});

describe('a genuine token', () => {
  test.each(['EdDSA', 'ES256', 'RS256'])('signed with %s is accepted', async (alg) => {
    const signer = await makeIssuerKey(alg, 'two');
    expect(await judge(await signAdminToken(signer), { known: [key, signer] })).toEqual(
      authenticated('owner'),
    );
  });

  test.each<[string, TokenChange]>([
    ['its audience as a text', { claims: { aud: AUDIENCE } }],
    ['several audiences', { claims: { aud: ['x', AUDIENCE] } }],
    ['no nbf', { claims: { nbf: undefined } }],
    ['claims of other kinds', { claims: { email: 'a@b.example', custom: { x: [1] } } }],
    ['typ at+jwt', { header: { typ: 'at+jwt' } }],
    ['the thumbprint of a certificate', { header: { x5t: 'AAAA', 'x5t#S256': 'BBBB' } }],
    ['the longest life', { claims: { iat: NOW, exp: NOW + 86_400 } }],
    ['a start within the skew', { claims: { iat: NOW + 60, nbf: NOW + 60 } }],
  ])('with %s is accepted', async (_, change) => {
    expect(await judge(await signAdminToken(key, change))).toEqual(authenticated('owner'));
  });
});

describe('a token is refused', () => {
  test.each<[string, string, TokenChange]>([
    ['from another issuer', 'issuer_mismatch', { claims: { iss: `${ISSUER}/` } }],
    ['without issuer', 'issuer_mismatch', { claims: { iss: undefined } }],
    ['from a list of issuers', 'issuer_mismatch', { claims: { iss: [ISSUER] } }],
    ['for another audience', 'audience_mismatch', { claims: { aud: ['other'] } }],
    [
      'for an audience that contains ours',
      'audience_mismatch',
      { claims: { aud: `${AUDIENCE}2` } },
    ],
    ['without audience', 'audience_mismatch', { claims: { aud: undefined } }],
    ['for an audience of numbers', 'audience_mismatch', { claims: { aud: [1] } }],
    ['after its end', 'token_expired', { claims: { iat: NOW - 100, exp: NOW - 1 } }],
    ['at its end', 'token_expired', { claims: { iat: NOW - 100, exp: NOW } }],
    ['without end', 'claims_malformed', { claims: { exp: undefined } }],
    ['with an end as text', 'claims_malformed', { claims: { exp: String(NOW + 60) } }],
    ['with an end in fractions', 'claims_malformed', { claims: { exp: NOW + 60.5 } }],
    ['with a negative start', 'claims_malformed', { claims: { iat: -1 } }],
    ['without start', 'claims_malformed', { claims: { iat: undefined } }],
    ['with nbf as text', 'claims_malformed', { claims: { nbf: 'now' } }],
    ['before its start', 'token_not_yet_valid', { claims: { iat: NOW + 61 } }],
    ['before nbf', 'token_not_yet_valid', { claims: { nbf: NOW + 61 } }],
    ['for a life too long', 'token_lifetime_too_long', { claims: { exp: NOW + 86_500 } }],
    ['without subject', 'claims_malformed', { claims: { sub: undefined } }],
    ['with an empty subject', 'claims_malformed', { claims: { sub: '' } }],
    ['with a subject too long', 'claims_malformed', { claims: { sub: 'x'.repeat(256) } }],
    ['without kid', 'token_malformed', { header: { kid: undefined } }],
    ['with a kid that is no text', 'token_malformed', { header: { kid: 1 as never } }],
    ['with a long kid', 'token_malformed', { header: { kid: 'x'.repeat(129) } }],
    ['with an unknown kid', 'signing_key_unknown', { header: { kid: 'three' } }],
    ['with a kid of the prototype', 'signing_key_unknown', { header: { kid: '__proto__' } }],
    ['with a kid that is a path', 'signing_key_unknown', { header: { kid: '../../dev/null' } }],
    ['without typ', 'token_type_unsupported', { header: { typ: undefined } }],
    ['with typ dpop+jwt', 'token_type_unsupported', { header: { typ: 'dpop+jwt' } }],
    ['with a key of its own', 'token_header_unsupported', { header: { jwk: stranger.jwk } }],
    ['with a place for keys', 'token_header_unsupported', { header: { jku: 'https://evil' } }],
    ['with a certificate', 'token_header_unsupported', { header: { x5c: ['AAAA'] } }],
    ['with a place for it', 'token_header_unsupported', { header: { x5u: 'https://evil' } }],
    ['with cty', 'token_header_unsupported', { header: { cty: 'JWT' } }],
  ])('%s (%s)', async (_, reason, change) => {
    expect(await judge(await signAdminToken(key, change))).toEqual(refusedFor(reason));
  });

  test.each([
    ['signed by somebody else', foreign, 'signature_invalid'],
    [
      'with alg none and no signature',
      `${part({ alg: 'none', kid: 'one', typ: 'JWT' })}.${payload}.`,
      'token_algorithm_unsupported',
    ],
    [
      'with alg none and a signature',
      `${part({ alg: 'none', kid: 'one', typ: 'JWT' })}.${payload}.${signature}`,
      'token_algorithm_unsupported',
    ],
    [
      'with HS256',
      `${part({ alg: 'HS256', kid: 'one', typ: 'JWT' })}.${payload}.${signature}`,
      'token_algorithm_unsupported',
    ],
    [
      "with another algorithm than the key's",
      `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${payload}.${signature}`,
      'token_algorithm_unsupported',
    ],
    [
      'with other claims under the same signature',
      `${header}.${part({ iss: ISSUER })}.${signature}`,
      'signature_invalid',
    ],
    ['cut in two', `${header}.${payload}`, 'token_malformed'],
    ['with a fourth part', `${good}.AA`, 'token_malformed'],
    ['with padding', `${good}=`, 'token_malformed'],
    ['with a space', `${good} `, 'token_malformed'],
    ['of 8 kB', `${header}.${'A'.repeat(8192)}.${signature}`, 'token_too_large'],
  ])('%s', async (_, token, reason) => {
    expect(await judge(token)).toEqual(refusedFor(reason));
  });

  test('with a member twice, though the signature is right', async () => {
    const claims = JSON.stringify({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'a',
      iat: NOW,
      exp: NOW + 60,
    });
    const doubled = `${claims.slice(0, -1)},"groups":"staff","groups":"admins"}`;
    const input = `${header}.${encodeBase64url(encodeUtf8(doubled))}`;
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signed = await crypto.subtle.sign(algorithm, key.privateKey, encodeUtf8(input));
    const token = `${input}.${encodeBase64url(new Uint8Array(signed))}`;
    expect(await judge(token)).toEqual(refusedFor('token_malformed'));
  });

  test('as unavailable, not as forged, when nobody can tell', async () => {
    const keys = { find: async () => ({ outcome: 'unavailable' }) as const };
    const means = { policy: POLICY, keys, nowSeconds: unixSeconds(NOW), clockSkewSeconds: 60 };
    expect(await verifyAdminJwt(good, means)).toEqual({ outcome: 'unavailable' });
  });
});

describe('the role', () => {
  const NO_ROLE = { outcome: 'no_role' };

  test.each<[string, unknown, object]>([
    ['as a text', 'ops', authenticated('operator')],
    ['in a list', ['staff', 'ops'], authenticated('operator')],
    ['the highest of several', ['watchers', 'admins', 'ops'], authenticated('owner')],
    ['unknown', ['staff'], NO_ROLE],
    ['none', [], NO_ROLE],
    ['absent', undefined, NO_ROLE],
    ['in other letters', 'Admins', NO_ROLE],
    ['as an object', { admins: true }, NO_ROLE],
    ['in a list in a list', [['admins']], NO_ROLE],
    ['as a number', 1, NO_ROLE],
    ['of the prototype', 'constructor', NO_ROLE],
  ])('%s', async (_, groups, expected) => {
    expect(await judge(await signAdminToken(key, { claims: { groups } }))).toEqual(expected);
  });

  test.each<[string, object]>([
    ['/realm/roles', authenticated('owner')],
    ['/https:~1~1a.example~1roles/0', NO_ROLE],
    ['https://a.example/roles', authenticated('operator')],
    ['/https:~1~1a.example~1roles', authenticated('operator')],
    ['/realm/none', NO_ROLE],
    ['/realm/roles/length', NO_ROLE],
    ['/sub/x', NO_ROLE],
    ['/constructor/name', NO_ROLE],
  ])('is found at %s', async (roleClaim, expected) => {
    const claims = { realm: { roles: ['admins'] }, 'https://a.example/roles': ['ops'] };
    const token = await signAdminToken(key, { claims });
    expect(await judge(token, { policy: { roleClaim } })).toEqual(expected);
  });

  test.each<[string, unknown, object]>([
    ['one tenant', '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39', { tenantId: expect.any(String) }],
    ['every tenant, by its own word', '*', {}],
  ])('is bound to %s', async (_, org, tenant) => {
    const token = await signAdminToken(key, { claims: { org } });
    const judged = await judge(token, { policy: { tenantClaim: 'org' } });
    expect(judged).toEqual(authenticated('owner', tenant));
  });

  test.each([[undefined], [''], ['x'], [['*']], [null], ['7D0C5E1B-93A4-4F68-8A52-C1E6B7F20D39']])(
    'is none where the tenant has to be named and is %j',
    async (org) => {
      const token = await signAdminToken(key, { claims: { org } });
      expect(await judge(token, { policy: { tenantClaim: 'org' } })).toEqual(NO_ROLE);
    },
  );
});
