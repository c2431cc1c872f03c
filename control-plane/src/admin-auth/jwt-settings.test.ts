/** Guarantee: no half, no weak and no accidental trust in an issuer comes out of the settings. */

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../config.workers.ts';
import { ConfigInvalid } from '../config-source.ts';

const feedKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

const BASE = {
  CARDEA_SECRET: 'not-random-but-long-enough-0123456789',
  ADMIN_TOKEN_SHA256: 'ab'.repeat(32),
  FEED_SIGNING_KEY: JSON.stringify(feedKey),
  ENVIRONMENT_ID: 'test',
  ISSUER: 'https://auth.example',
  ...{ DB: {}, FEED: {}, HUB: {}, ATTEMPTS: {}, LIMITS: {} },
};
const JWT = {
  ADMIN_JWT_ISSUER: 'https://team.example',
  ADMIN_JWT_AUDIENCE: 'cardea',
  ADMIN_JWT_JWKS_URL: 'https://team.example/certs',
  ADMIN_JWT_ROLE_CLAIM: 'groups',
  ADMIN_JWT_ROLES: '{"admins":"owner","a@b.example":"auditor"}',
};

function problemsOf(settings: object): readonly string[] {
  try {
    parseConfig({ ...BASE, ...settings });
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

test('without settings no JWT is believed, and guesses are slowed down at 30 a minute', () => {
  const config = parseConfig(BASE);
  expect(config).not.toHaveProperty('adminJwt');
  expect(config.adminFailuresPerMinute).toBe(30);
});

test('all of them make a policy', () => {
  const { adminJwt } = parseConfig({ ...BASE, ...JWT, ADMIN_JWT_TENANT_CLAIM: '/custom/tenant' });
  expect(adminJwt).toEqual({
    ...{ issuer: 'https://team.example', audience: 'cardea', roleClaim: 'groups' },
    jwksUrl: 'https://team.example/certs',
    tenantClaim: '/custom/tenant',
    roles: new Map([
      ['admins', 'owner'],
      ['a@b.example', 'auditor'],
    ]),
  });
});

test.each(Object.keys(JWT))('half of them is refused: %s is missing', (name) => {
  const problems = problemsOf({ ...JWT, [name]: '' });
  expect(problems).toContain(`${name}: missing`);
});

test('a tenant claim alone is refused', () => {
  const problems = problemsOf({ ADMIN_JWT_TENANT_CLAIM: 'org' });
  expect(problems.filter((each) => each.endsWith(': missing'))).toHaveLength(5);
});

describe('the address of the keys', () => {
  test.each([
    'https://team.example/certs?x=1',
    'https://10.0.0.1:8443/jwks.json',
    'http://127.0.0.1:8080/jwks.json',
    'http://[::1]:8080/jwks.json',
    'http://localhost/jwks.json',
  ])('may be %s', (url) => {
    expect(problemsOf({ ...JWT, ADMIN_JWT_JWKS_URL: url })).toEqual([]);
  });

  test.each([
    'http://team.example/certs',
    'http://127.0.0.1.evil.example/jwks.json',
    'http://127.0.0.2/jwks.json',
    'http://10.0.0.1/jwks.json',
    'file:///etc/jwks.json',
    'data:application/json,{}',
    'ftp://team.example/certs',
    'team.example/certs',
    'https://me:secret@team.example/certs',
    'https://team.example/certs#x',
    'nonsense',
  ])('may not be %s', (url) => {
    expect(problemsOf({ ...JWT, ADMIN_JWT_JWKS_URL: url })).toEqual([
      'ADMIN_JWT_JWKS_URL: must be an https URL (http on this machine alone)',
    ]);
  });
});

test.each([
  '{}',
  '[]',
  'null',
  'owner',
  '{"admins":"root"}',
  '{"admins":"Owner"}',
  '{"admins":["owner"]}',
  '{"admins":null}',
  '{"admins":"owner","admins":"auditor"}',
  '{"admins":"owner"',
  '{"admins":"constructor"}',
])('the roles may not be %s', (text) => {
  expect(problemsOf({ ...JWT, ADMIN_JWT_ROLES: text })).toEqual([
    'ADMIN_JWT_ROLES: must be JSON: values of the claim to owner, operator, issuer, auditor',
  ]);
});

test.each(['/', '/a//b', '//', '/a/', `/${'x'.repeat(101)}`, 'x'.repeat(256)])(
  'a claim may not be at %s',
  (claim) => {
    const rule = 'must be a claim or a JSON Pointer';
    expect(problemsOf({ ...JWT, ADMIN_JWT_ROLE_CLAIM: claim })).toEqual([
      `ADMIN_JWT_ROLE_CLAIM: ${rule}`,
    ]);
    expect(problemsOf({ ...JWT, ADMIN_JWT_TENANT_CLAIM: claim })).toEqual([
      `ADMIN_JWT_TENANT_CLAIM: ${rule}`,
    ]);
  },
);

test('this deployment is no issuer of its own administrators: clients choose claims of its tokens', () => {
  expect(problemsOf({ ...JWT, ADMIN_JWT_ISSUER: BASE.ISSUER })).toEqual([
    'ADMIN_JWT_ISSUER: must be another one than ISSUER',
  ]);
});

describe('the bootstrap token', () => {
  test('is turned off by a word of its own', () => {
    const config = parseConfig({ ...BASE, ADMIN_TOKEN_SHA256: 'disabled' });
    expect(config).not.toHaveProperty('adminTokenSha256');
  });

  test.each(['', 'none', 'Disabled', 'disabled ', 'false'])('not by %j', (text) => {
    const [problem, ...others] = problemsOf({ ...JWT, ADMIN_TOKEN_SHA256: text });
    expect(problem).toMatch(/^ADMIN_TOKEN_SHA256: /);
    expect(others).toEqual([]);
  });
});

test.each(['0', '-1', 'many', '100001'])('ADMIN_FAILURES_PER_MINUTE may not be %s', (text) => {
  expect(problemsOf({ ADMIN_FAILURES_PER_MINUTE: text })).toEqual([
    'ADMIN_FAILURES_PER_MINUTE: must be an integer from 1 to 100000',
  ]);
});
