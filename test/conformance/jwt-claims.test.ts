/**
 * Guarantee: under a genuine signature, each claim has its one type and its one meaning, and time,
 * issuer, audience and tenant are compared exactly (RFC 7519 §4.1, RFC 8725 §3.8, §3.9).
 */

import { type JwtPolicy, verifyJwt } from '@cardea/shared/jwt/verify';
import {
  CIDRS_MAX,
  DERIVATION_DEPTH_MAX,
  SCOPE_LENGTH_MAX,
  SCOPES_MAX,
} from '@cardea/shared/limits';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  claimsText,
  claimsWith,
  forge,
  type Json,
  NOW,
  type Part,
  POLICY,
  VERIFICATION,
} from './forge.ts';

async function reasonFor(payload: Part, policy: JwtPolicy = POLICY): Promise<string | undefined> {
  const outcome = await verifyJwt(await forge({ payload }), { ...VERIFICATION, policy });
  return outcome.ok ? undefined : outcome.refusal.reason;
}

const SKEW = POLICY.clockSkewSeconds;
const LIFETIME = POLICY.lifetimeSecondsMax;

/** Values of every JSON type but one that can be right. */
const NOT_A_TEXT: readonly unknown[] = [null, 0, 1, true, false, [], ['x'], {}, { a: 1 }];
const NOT_SECONDS: readonly unknown[] = [
  ...[null, true, '', 'soon', [], [1], {}, String(NOW + 60), `${NOW + 60}`],
  ...[-1, 0.5, NOW + 0.5, 2 ** 53, 1e300, -(2 ** 53)],
];

test('positive control: the least and the most that a token may carry', async () => {
  const { scp, nbf, ...least } = CLAIMS;
  const bare = await verifyJwt(await forge({ payload: least }), VERIFICATION);
  expect(bare).toEqual({
    ok: true,
    value: {
      tokenId: CLAIMS.jti,
      keyId: CLAIMS.sub,
      issuer: CLAIMS.iss,
      audiences: [CLAIMS.aud],
      tenantId: CLAIMS.nid,
      issuedAtSeconds: CLAIMS.iat,
      expiresAtSeconds: CLAIMS.exp,
      scopes: [],
      ancestorTokenIds: [],
      customClaims: Object.create(null),
    },
  });
  const most = claimsWith({
    aud: ['https://first.example', POLICY.audience],
    act: 'ci robot',
    act_sid: '00ff00ff00ff00ff',
    anc: Array.from({ length: DERIVATION_DEPTH_MAX }, () => CLAIMS.jti),
    acl: ['10.0.0.0/8', '2001:db8::/32'],
    vis: 'public',
    meta: { plan: { tier: 3 } },
    team: ['blue'],
    scope: 'not read',
    client_id: 'not read either',
  });
  const full = await verifyJwt(await forge({ payload: most }), VERIFICATION);
  if (!full.ok) throw new Error(full.refusal.reason);
  expect(full.value).toMatchObject({
    audiences: ['https://first.example', POLICY.audience],
    notBeforeSeconds: nbf,
    scopes: scp,
    actor: 'ci robot',
    actorScopeId: '00ff00ff00ff00ff',
    allowedCidrs: ['10.0.0.0/8', '2001:db8::/32'],
    visibility: 'public',
    metadata: { plan: { tier: 3 } },
  });
  expect(full.value.ancestorTokenIds).toHaveLength(DERIVATION_DEPTH_MAX);
  expect({ ...full.value.customClaims }).toEqual({ team: ['blue'] });
});

describe('required claims', () => {
  test.each(['jti', 'sub', 'iss', 'aud', 'nid', 'iat', 'exp'])(
    'refuses a token without %s',
    async (name) => {
      expect(await reasonFor(claimsWith({ [name]: undefined }))).toBe('claims_malformed');
    },
  );

  test('names of another case or with a space are other claims', async () => {
    for (const name of ['EXP', 'Exp', 'exp ', 'ехр']) {
      expect(await reasonFor(claimsWith({ exp: undefined, [name]: NOW + 60 }))).toBe(
        'claims_malformed',
      );
    }
  });
});

const WRONG_TYPES: ReadonlyArray<readonly [string, readonly unknown[]]> = [
  ['iss', [...NOT_A_TEXT, '']],
  ['sub', [...NOT_A_TEXT, '']],
  ['nid', [...NOT_A_TEXT, '']],
  ['aud', [null, 0, true, {}, [1], [null], [['https://api.example']], [POLICY.audience, 1]]],
  ['iat', NOT_SECONDS],
  ['exp', NOT_SECONDS],
  ['nbf', NOT_SECONDS],
  [
    'jti',
    [
      ...NOT_A_TEXT,
      ...['', 'x', CLAIMS.jti.toUpperCase(), `${CLAIMS.jti} `, `{${CLAIMS.jti}}`],
      ...[CLAIMS.jti.replaceAll('-', ''), '00000000-0000-0000-0000-000000000000'],
      ...['3f8e5d0a-8c51-1b7e-9d12-6a0f4c2b7e91', '3f8e5d0a-8c51-4b7e-cd12-6a0f4c2b7e91'],
    ],
  ],
  [
    'scp',
    [
      ...[null, 0, true, {}, 'orders:read', 'orders:read orders:write', '', [1], [null], [['a']]],
      ...[
        [''],
        ['x'.repeat(SCOPE_LENGTH_MAX + 1)],
        Array.from({ length: SCOPES_MAX + 1 }, () => 'a'),
      ],
    ],
  ],
  ['acl', [null, 0, {}, '10.0.0.0/8', [1], ['10.0.0.1'], ['10.0.0.0/33'], ['any'], ['']]],
  ['acl', [Array.from({ length: CIDRS_MAX + 1 }, () => '10.0.0.0/8')]],
  ['anc', [null, {}, CLAIMS.jti, [1], ['x'], [CLAIMS.jti.toUpperCase()]]],
  ['anc', [Array.from({ length: DERIVATION_DEPTH_MAX + 1 }, () => CLAIMS.jti)]],
  ['vis', [null, 0, true, '', 'SECRET', 'Public', 'private', ['secret'], {}]],
  ['meta', [null, 0, true, '', '{}', [], [{}]]],
  ['cnf', [null, '', {}, { jkt: 'x' }, { jwk: {} }]],
];

describe('types', () => {
  const rows = WRONG_TYPES.flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  test.each(rows)('refuses %s that is %j', async (name, value) => {
    expect(await reasonFor(claimsWith({ [name]: value }))).toBe('claims_malformed');
  });

  test.each([
    ['exp', '-0.5'],
    ['exp', '1e22'],
    ['exp', '9007199254740993'],
    ['iat', '1e-7'],
    ['nbf', '-1'],
  ])('refuses %s written as %s', async (name, raw) => {
    expect(await reasonFor(claimsText(name, raw))).toBe('claims_malformed');
  });

  test('limits are inclusive', async () => {
    const scp = Array.from({ length: SCOPES_MAX }, (_, i) => `s${i}`);
    expect(await reasonFor(claimsWith({ scp }))).toBeUndefined();
    expect(await reasonFor(claimsWith({ scp: ['x'.repeat(SCOPE_LENGTH_MAX)] }))).toBeUndefined();
    // Issuing counts characters, not UTF-16 units: what it accepts, a token may carry.
    expect(await reasonFor(claimsWith({ scp: ['😀'.repeat(SCOPE_LENGTH_MAX)] }))).toBeUndefined();
    const acl = Array.from({ length: CIDRS_MAX }, () => '0.0.0.0/0');
    expect(await reasonFor(claimsWith({ acl }))).toBeUndefined();
    expect(await reasonFor(claimsWith({ scp: [], acl: [], anc: [], meta: {} }))).toBeUndefined();
  });

  const ACTORS: ReadonlyArray<readonly [string, Json]> = [
    ['an actor without its scope id, which no revocation could name', { act: 'robot' }],
    ['a scope id without an actor', { act_sid: '00ff00ff00ff00ff' }],
    ['an actor object (RFC 8693 §4.1)', { act: { sub: 'robot' }, act_sid: '00ff00ff00ff00ff' }],
    ['an empty actor', { act: '', act_sid: '00ff00ff00ff00ff' }],
    ['upper case', { act: 'robot', act_sid: '00FF00FF00FF00FF' }],
    ['15 digits', { act: 'robot', act_sid: '00ff00ff00ff00f' }],
    ['17 digits', { act: 'robot', act_sid: '00ff00ff00ff00ff0' }],
    ['a scope id with a newline', { act: 'robot', act_sid: '00ff00ff00ff00ff\n' }],
    ['a numeric scope id', { act: 'robot', act_sid: 1 }],
  ];
  test.each(ACTORS)('act: refuses %s', async (_, claims) => {
    expect(await reasonFor(claimsWith(claims))).toBe('claims_malformed');
  });
});

describe('time (RFC 7519 §4.1.4 to §4.1.6)', () => {
  const MOMENTS: ReadonlyArray<readonly [string, Json, string | undefined]> = [
    ['exp one second ahead', { exp: NOW + 1 }, undefined],
    ['exp now', { exp: NOW }, 'token_expired'],
    ['exp a second ago: no leeway', { exp: NOW - 1 }, 'token_expired'],
    ['exp = iat', { iat: NOW - 5, exp: NOW - 5 }, 'token_expired'],
    ['exp at the epoch', { iat: 0, nbf: 0, exp: 0 }, 'token_expired'],
    ['exp before iat', { iat: NOW - 5, exp: NOW - 6 }, 'claims_malformed'],
    ['exp before iat, both ahead', { iat: NOW + 20, exp: NOW + 10 }, 'claims_malformed'],
    ['iat ahead by the skew', { iat: NOW + SKEW }, undefined],
    ['iat ahead by more', { iat: NOW + SKEW + 1 }, 'token_not_yet_valid'],
    ['nbf ahead by the skew', { nbf: NOW + SKEW }, undefined],
    ['nbf ahead by more', { nbf: NOW + SKEW + 1 }, 'token_not_yet_valid'],
    ['nbf before iat', { nbf: 0 }, undefined],
    ['nbf after exp', { nbf: NOW + 3000, exp: NOW + 600 }, 'token_not_yet_valid'],
    ['the longest lifetime', { iat: NOW - 10, exp: NOW - 10 + LIFETIME }, undefined],
    ['one second more', { iat: NOW - 10, exp: NOW - 9 + LIFETIME }, 'token_lifetime_too_long'],
    ['exp in the year 10000', { exp: 253_402_300_800 }, 'token_lifetime_too_long'],
    ['exp in milliseconds', { exp: (NOW + 600) * 1000 }, 'token_lifetime_too_long'],
    ['iat at the epoch', { iat: 0 }, 'token_lifetime_too_long'],
    [
      'iat and nbf in milliseconds',
      { iat: NOW * 1000, nbf: NOW, exp: NOW * 1000 + 9 },
      'token_not_yet_valid',
    ],
    ['the largest safe exp', { exp: Number.MAX_SAFE_INTEGER }, 'token_lifetime_too_long'],
  ];
  test.each(MOMENTS)('%s', async (_, claims, reason) => {
    expect(await reasonFor(claimsWith(claims))).toBe(reason);
  });

  test('infinite exp (1e400) is no JSON number for us', async () => {
    expect(await reasonFor(claimsText('exp', '1e400'))).toBe('token_malformed');
  });

  test('integers may be written with an exponent: JSON has one number type', async () => {
    expect(await reasonFor(claimsText('exp', `${(NOW + 600) / 100}e2`))).toBeUndefined();
  });

  test('a clock, a skew or a limit that is not a number refuses', async () => {
    const token = await forge();
    const nowSeconds = unixSeconds(Number.NaN);
    const stopped = await verifyJwt(token, { ...VERIFICATION, nowSeconds });
    expect(stopped.ok).toBe(false);
    expect(await reasonFor(CLAIMS, { ...POLICY, clockSkewSeconds: Number.NaN })).toBe(
      'token_not_yet_valid',
    );
    expect(await reasonFor(CLAIMS, { ...POLICY, lifetimeSecondsMax: Number.NaN })).toBe(
      'token_lifetime_too_long',
    );
  });
});

describe('parties: compared code unit by code unit', () => {
  const iss = POLICY.issuer;
  const aud = POLICY.audience;
  const nid = POLICY.tenantId;
  const PARTIES: ReadonlyArray<readonly [string, Json, string]> = [
    ['another issuer', { iss: 'https://attacker.example' }, 'issuer_mismatch'],
    ['an issuer with a slash', { iss: `${iss}/` }, 'issuer_mismatch'],
    ['an issuer in upper case', { iss: iss.toUpperCase() }, 'issuer_mismatch'],
    ['an issuer that ours starts with', { iss: iss.slice(0, -1) }, 'issuer_mismatch'],
    ['an issuer that starts with ours', { iss: `${iss}.attacker.example` }, 'issuer_mismatch'],
    ['an issuer with a default port', { iss: `${iss}:443` }, 'issuer_mismatch'],
    ['an issuer with a look-alike letter', { iss: iss.replace('e', 'е') }, 'issuer_mismatch'],
    ['an issuer with a NUL', { iss: `${iss}\0` }, 'issuer_mismatch'],
    ['another audience', { aud: 'https://other.example' }, 'audience_mismatch'],
    ['an empty audience', { aud: '' }, 'audience_mismatch'],
    ['no audience in a list', { aud: [] }, 'audience_mismatch'],
    [
      'other audiences in a list',
      { aud: ['https://other.example', `${aud}/`] },
      'audience_mismatch',
    ],
    [
      'an audience that contains ours',
      { aud: `${aud} https://other.example` },
      'audience_mismatch',
    ],
    ['an audience that ours contains', { aud: aud.slice(0, 8) }, 'audience_mismatch'],
    ['an audience with a wildcard', { aud: '*' }, 'audience_mismatch'],
    ['another tenant', { nid: 'b5bb9d80-14a0-4f9b-9d1e-21e796d78dcc' }, 'tenant_mismatch'],
    ['the nil tenant', { nid: '00000000-0000-0000-0000-000000000000' }, 'tenant_mismatch'],
    ['our tenant in upper case', { nid: nid.toUpperCase() }, 'tenant_mismatch'],
    ['our tenant with a space', { nid: ` ${nid}` }, 'tenant_mismatch'],
  ];
  test.each(PARTIES)('refuses %s', async (_, claims, reason) => {
    expect(await reasonFor(claimsWith(claims))).toBe(reason);
  });

  test('refuses a token for another audience even if its issuer is an audience', async () => {
    expect(await reasonFor(claimsWith({ iss: aud, aud: iss }))).toBe('issuer_mismatch');
  });

  test('nothing is normalised: composed and decomposed letters differ', async () => {
    const policy = { ...POLICY, audience: 'caf\u00e9' };
    const keys = new Map(
      [...VERIFICATION.keys].map(([kid, key]) => [kid, { ...key, audience: policy.audience }]),
    );
    const verification = { ...VERIFICATION, keys, policy };
    const same = await forge({ payload: claimsWith({ aud: 'caf\u00e9' }) });
    expect((await verifyJwt(same, verification)).ok).toBe(true);
    const decomposed = await forge({ payload: claimsWith({ aud: 'cafe\u0301' }) });
    expect(await verifyJwt(decomposed, verification)).toMatchObject({
      refusal: { reason: 'audience_mismatch' },
    });
  });
});

test('evidence names claims and keys, and quotes no claim', async () => {
  const canary = 'canary-value-7c1f';
  for (const name of ['iss', 'aud', 'nid', 'sub', 'jti', 'scp', 'act', 'meta', 'vis', 'acl']) {
    for (const value of [canary, [canary], { canary }, 1]) {
      const token = await forge({ payload: claimsWith({ [name]: value }) });
      const outcome = await verifyJwt(token, VERIFICATION);
      expect(JSON.stringify(outcome.ok ? '' : outcome.refusal)).not.toContain('canary');
    }
  }
});
