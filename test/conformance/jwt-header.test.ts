/**
 * Guarantee: a token's header chooses nothing. It names a key by exact look-up, and must agree with
 * that key's one algorithm (RFC 8725 §3.1, §3.2, §3.10); whatever else it says refuses the token.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import { type JwtVerificationKey, verifyJwt } from '@cardea/shared/jwt/verify';
import { unixSeconds } from '@cardea/shared/time';
import { importJWK, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  claimsWith,
  ED,
  ES,
  encodePart,
  forge,
  HEADER,
  headerWith,
  hmacToken,
  JWKS,
  KEYS,
  NOW,
  newPair,
  POLICY,
  RS,
  signText,
  VERIFICATION,
} from './forge.ts';

async function reasonFor(token: string, verification = VERIFICATION): Promise<string | undefined> {
  const outcome = await verifyJwt(token, verification);
  return outcome.ok ? undefined : outcome.refusal.reason;
}

const PAIRS = [ED, ES, RS];

describe('positive controls', () => {
  test.each(PAIRS.map((pair) => [pair.algorithm, pair] as const))(
    '%s signed by jose is accepted, as JWT and as at+jwt',
    async (alg, pair) => {
      for (const typ of ['JWT', 'at+jwt']) {
        const token = await new SignJWT({ ...CLAIMS, scp: [...CLAIMS.scp] })
          .setProtectedHeader({ alg, kid: pair.verificationKey.kid, typ })
          .sign(pair.privateKey);
        const outcome = await verifyJwt(token, VERIFICATION);
        if (!outcome.ok) throw new Error(outcome.refusal.reason);
        expect(outcome.value).toMatchObject({
          tokenId: CLAIMS.jti,
          keyId: CLAIMS.sub,
          scopes: CLAIMS.scp,
        });
      }
    },
  );
});

describe('alg (RFC 8725 §3.1, §3.2)', () => {
  test.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'eddsa',
    'EDDSA',
    'EdDSA ',
    'Ed25519',
    'Ed448',
    'ES384',
    'ES256K',
    'PS256',
    'RS512',
    'HS256',
    'HS512',
    'dir',
    'RSA-OAEP',
    'constructor',
    '__proto__',
    'toString',
  ])('refuses %j', async (alg) => {
    expect(await reasonFor(await forge({ header: headerWith({ alg }) }))).toBe(
      'token_algorithm_unsupported',
    );
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['a number', 5],
    ['true', true],
    ['an array', ['EdDSA']],
    ['an object', { name: 'EdDSA' }],
  ])('refuses one that is %s', async (_, alg) => {
    expect(await reasonFor(await forge({ header: headerWith({ alg }) }))).toBe(
      'token_algorithm_unsupported',
    );
  });

  test('refuses "none" with an empty and with a made-up signature', async () => {
    const input = `${encodePart(headerWith({ alg: 'none' }))}.${encodePart(CLAIMS)}`;
    expect(await reasonFor(`${input}.AAAA`)).toBe('token_algorithm_unsupported');
    expect(await reasonFor(`${input}.`)).toBe('token_algorithm_unsupported');
  });

  const CONFUSIONS = PAIRS.flatMap((pair) =>
    (['EdDSA', 'ES256', 'RS256'] as const satisfies JwsAlgorithm[])
      .filter((alg) => alg !== pair.algorithm)
      .map((alg) => [alg, pair.algorithm, pair] as const),
  );
  test.each(CONFUSIONS)('refuses %s for a key of %s', async (alg, _, pair) => {
    const header = headerWith({ alg, kid: pair.verificationKey.kid });
    expect(await reasonFor(await forge({ header, pair }))).toBe('token_algorithm_unsupported');
  });

  test('refuses HMAC keyed with what everybody can read of the public key', async () => {
    for (const jwk of JWKS.keys) {
      const texts = [JSON.stringify(jwk), jwk.x ?? jwk.n ?? ''];
      for (const secret of texts) {
        const header = { alg: 'HS256', kid: jwk.kid, typ: 'JWT' };
        const token = await hmacToken(header, encodeUtf8(secret));
        expect(await reasonFor(token)).toBe('token_algorithm_unsupported');
        // And under the key's own algorithm, the same bytes are no signature.
        const relabelled = await hmacToken({ ...header, alg: jwk.alg }, encodeUtf8(secret));
        expect(await reasonFor(relabelled)).toBe('signature_invalid');
      }
    }
  });
});

describe('kid (RFC 8725 §3.10)', () => {
  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '../../../../dev/null',
    'file:///etc/passwd',
    'https://attacker.example/jwks.json',
    "' OR 1=1 --",
    'ed; cat /etc/passwd',
    'ED',
    'Ed',
    'ed ',
    ' ed',
    'ed\0',
    'ed\n',
    'e\u0064\u0301',
    '0',
    'null',
    'x'.repeat(128),
  ])('refuses %j, which is no key of the set', async (kid) => {
    expect(await reasonFor(await forge({ header: headerWith({ kid }) }))).toBe(
      'signing_key_unknown',
    );
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['a number', 1],
    ['an array', ['ed']],
    ['an object', { toString: 'ed' }],
    ['empty', ''],
    ['129 bytes long', 'x'.repeat(129)],
    ['129 bytes in 65 characters', `${'é'.repeat(64)}x`],
  ])('refuses one that is %s', async (_, kid) => {
    expect(await reasonFor(await forge({ header: headerWith({ kid }) }))).toBe('token_malformed');
  });

  test('a key is found by its exact name up to 128 bytes, in any script', async () => {
    for (const kid of ['x'.repeat(128), 'é'.repeat(64), '__proto__', 'constructor']) {
      const keys = new Map([[kid, { ...ED.verificationKey, kid }]]);
      const token = await forge({ header: headerWith({ kid }) });
      expect(await reasonFor(token, { ...VERIFICATION, keys })).toBeUndefined();
      expect(await reasonFor(token)).toBe('signing_key_unknown');
    }
  });

  test('another key of the same algorithm does not verify', async () => {
    const other = await newPair('EdDSA', 'ed');
    expect(await reasonFor(await forge({ pair: other }))).toBe('signature_invalid');
    const keys = new Map([['ed', other.verificationKey]]);
    expect(
      await reasonFor(await forge({ pair: other }), { ...VERIFICATION, keys }),
    ).toBeUndefined();
  });

  test('the header is read again when keys change under a name that was seen before', async () => {
    const token = await forge();
    expect(await reasonFor(token)).toBeUndefined();
    const other = await newPair('EdDSA', 'ed');
    const keys = new Map([['ed', other.verificationKey]]);
    expect(await reasonFor(token, { ...VERIFICATION, keys })).toBe('signature_invalid');
    const none = new Map<string, JwtVerificationKey>();
    expect(await reasonFor(token, { ...VERIFICATION, keys: none })).toBe('signing_key_unknown');
    const es = new Map([['ed', { ...ES.verificationKey, kid: 'ed' }]]);
    expect(await reasonFor(token, { ...VERIFICATION, keys: es })).toBe(
      'token_algorithm_unsupported',
    );
  });
});

describe('members that would bring a key, a rule or a transformation along', () => {
  test.each([
    ['jwk', ED.publicJwk],
    ['jku', 'https://attacker.example/jwks.json'],
    ['x5u', 'https://attacker.example/cert.pem'],
    ['x5c', ['MIIB']],
    ['x5t', 'AAAA'],
    ['x5t#S256', 'AAAA'],
    ['crit', ['exp']],
    ['crit', []],
    ['crit', null],
    ['b64', false],
    ['b64', true],
    ['cty', 'JWT'],
    ['cty', 'json'],
    ['zip', 'DEF'],
    ['enc', 'A256GCM'],
    ['epk', {}],
    ['p2c', 1_000_000_000],
    ['nonce', 'n'],
    ['url', 'https://attacker.example'],
    ['iss', POLICY.issuer],
    ['Alg', 'none'],
    ['ALG', 'none'],
    ['kid ', 'other'],
    ['constructor', {}],
    ['', ''],
    ['private', 1],
  ])('refuses %s', async (name, value) => {
    expect(await reasonFor(await forge({ header: headerWith({ [name]: value }) }))).toBe(
      'token_header_unsupported',
    );
  });

  test('refuses __proto__ with a header inside', async () => {
    const raw = `{"__proto__":{"alg":"EdDSA"},"kid":"ed","typ":"JWT"}`;
    expect(await reasonFor(await forge({ header: { raw } }))).toBe('token_header_unsupported');
  });

  test('an attacker who brings a key with its own valid signature is refused', async () => {
    const own = await newPair('EdDSA', 'own');
    const header = headerWith({ jwk: own.publicJwk, kid: 'own' });
    expect(await reasonFor(await forge({ header, pair: own }))).toBe('token_header_unsupported');
    const plain = headerWith({ kid: 'own' });
    expect(await reasonFor(await forge({ header: plain, pair: own }))).toBe('signing_key_unknown');
  });

  test('b64=false with crit and an unencoded payload is refused (RFC 7797 §7)', async () => {
    const header = encodePart(headerWith({ b64: false, crit: ['b64'] }));
    const token = await signText(`${header}.${JSON.stringify(CLAIMS)}`);
    expect(['token_malformed', 'token_header_unsupported']).toContain(await reasonFor(token));
    const encoded = await signText(`${header}.${encodePart(CLAIMS)}`);
    expect(await reasonFor(encoded)).toBe('token_header_unsupported');
  });
});

describe('typ (RFC 8725 §3.11): two exact spellings', () => {
  test.each([
    'jwt',
    'Jwt',
    'JWT ',
    'AT+JWT',
    'at+JWT',
    'application/at+jwt',
    'application/jwt',
    'dpop+jwt',
    'secevent+jwt',
    'logout+jwt',
    'JOSE',
    'JWE',
    'cardea-feed+jws',
    '',
  ])('refuses %j', async (typ) => {
    expect(await reasonFor(await forge({ header: headerWith({ typ }) }))).toBe(
      'token_type_unsupported',
    );
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['a number', 7],
    ['an array', ['JWT']],
  ])('refuses one that is %s', async (_, typ) => {
    expect(await reasonFor(await forge({ header: headerWith({ typ }) }))).toBe(
      'token_type_unsupported',
    );
  });
});

describe('what the key is bound to, before any signature work', () => {
  const bound = (changes: Partial<JwtVerificationKey>) => ({
    ...VERIFICATION,
    keys: new Map([['ed', { ...ED.verificationKey, ...changes }]]),
  });

  test.each([
    [
      'a key of another tenant',
      { tenantId: '11111111-1111-4111-8111-111111111111' },
      'tenant_mismatch',
    ],
    ['a key of another issuer', { issuer: 'https://other.example' }, 'issuer_mismatch'],
    ['a key for another audience', { audience: 'https://other.example' }, 'audience_mismatch'],
    ['a key of the future', { notBeforeSeconds: unixSeconds(NOW + 1) }, 'signing_key_not_live'],
    ['a key that ends now', { notAfterSeconds: NOW }, 'signing_key_not_live'],
    ['a key of the past', { notAfterSeconds: unixSeconds(NOW - 1) }, 'signing_key_not_live'],
    [
      'a life that is no number',
      { notAfterSeconds: unixSeconds(Number.NaN) },
      'signing_key_not_live',
    ],
  ] as const)('refuses %s', async (_, changes, reason) => {
    expect(await reasonFor(await forge(), bound(changes))).toBe(reason);
  });

  test('a key lives from its first second to the one before its last', async () => {
    const life = { notBeforeSeconds: NOW, notAfterSeconds: unixSeconds(NOW + 1) };
    expect(await reasonFor(await forge(), bound(life))).toBeUndefined();
  });

  test('a token of the other tenant, signed by the key of ours, is refused', async () => {
    const payload = claimsWith({ nid: '11111111-1111-4111-8111-111111111111' });
    expect(await reasonFor(await forge({ payload }))).toBe('tenant_mismatch');
  });
});

test('jose accepts what these tests start from: the refusals are ours, not a broken forge', async () => {
  const { jwtVerify } = await import('jose');
  const key = await importJWK({ ...ED.publicJwk }, HEADER.alg);
  const options = {
    issuer: POLICY.issuer,
    audience: POLICY.audience,
    currentDate: new Date(NOW * 1000),
  };
  const { payload } = await jwtVerify(await forge(), key, options);
  expect(payload.jti).toBe(CLAIMS.jti);
  expect(KEYS.size).toBe(3);
});
