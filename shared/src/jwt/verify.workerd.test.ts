/**
 * Guarantee: the runtime that answers requests decides as the one that runs most tests. workerd brings
 * its own base64, JSON and WebCrypto (BoringSSL, where Node has OpenSSL).
 */

import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/framing.ts';
import { decodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import {
  importVerificationKey,
  type JwsAlgorithm,
  verifySignature,
} from '../crypto/verification-key.ts';
import { unixSeconds } from '../time.ts';
import { type JwtVerificationKey, verifyJwt } from './verify.ts';

const NOW = unixSeconds(1_790_000_000);
const policy = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  lifetimeSecondsMax: 3600,
  clockSkewSeconds: 60,
};

const ALGORITHMS = {
  EdDSA: { generate: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
  ES256: {
    generate: { name: 'ECDSA', namedCurve: 'P-256' },
    sign: { name: 'ECDSA', hash: 'SHA-256' },
  },
  RS256: {
    generate: {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
    },
    sign: { name: 'RSASSA-PKCS1-v1_5' },
  },
} as const;

interface Signer {
  readonly key: JwtVerificationKey;
  sign(text: string): Promise<Uint8Array<ArrayBuffer>>;
}

async function newSigner(algorithm: JwsAlgorithm): Promise<Signer> {
  const { generate, sign } = ALGORITHMS[algorithm];
  const pair = (await crypto.subtle.generateKey(generate, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  // As it is exported: workerd leaves private members there, undefined.
  const imported = await importVerificationKey(
    await crypto.subtle.exportKey('jwk', pair.publicKey),
  );
  if (!imported.ok) throw new Error(JSON.stringify(imported.refusal));
  const { tenantId, issuer, audience } = policy;
  const life = { notBeforeSeconds: NOW, notAfterSeconds: unixSeconds(NOW + 1) };
  return {
    key: { ...imported.value, kid: algorithm, tenantId, issuer, audience, ...life },
    sign: async (text) =>
      new Uint8Array(await crypto.subtle.sign(sign, pair.privateKey, encodeUtf8(text))),
  };
}

const signers = {
  EdDSA: await newSigner('EdDSA'),
  ES256: await newSigner('ES256'),
  RS256: await newSigner('RS256'),
};
const keys = new Map(Object.values(signers).map(({ key }) => [key.kid, key]));

const CLAIMS = {
  ...{ jti: '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91', sub: 'b1a7c9de-2f34-4c56-a789-0123456789ab' },
  ...{ iss: policy.issuer, aud: policy.audience, nid: policy.tenantId },
  ...{ iat: NOW - 10, exp: NOW + 600, scp: ['orders:read'], team: 'Καρδέα 🚪' },
};

const part = (json: string) => encodeBase64url(encodeUtf8(json));

interface Forgery {
  readonly alg?: JwsAlgorithm;
  readonly header?: object;
  readonly payload?: string;
}

async function forge({
  alg = 'EdDSA',
  header = {},
  payload = JSON.stringify(CLAIMS),
}: Forgery = {}) {
  const input = `${part(JSON.stringify({ alg, kid: alg, typ: 'JWT', ...header }))}.${part(payload)}`;
  return `${input}.${encodeBase64url(await signers[alg].sign(input))}`;
}

async function reasonFor(token: string): Promise<string | undefined> {
  const outcome = await verifyJwt(token, { keys, policy, nowSeconds: NOW });
  return outcome.ok ? undefined : outcome.refusal.reason;
}

test('these tests run in workerd, on its native codec', () => {
  expect(navigator.userAgent).toBe('Cloudflare-Workers');
  expect('fromBase64' in Uint8Array).toBe(true);
});

test('tokens that are verified at the same time do not get into each other’s way', async () => {
  const tokens = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const alg = (['EdDSA', 'ES256', 'RS256'] as const)[i % 3] ?? 'EdDSA';
      const token = await forge({ alg, payload: JSON.stringify({ ...CLAIMS, n: i }) });
      const other = await forge({ alg, payload: JSON.stringify({ ...CLAIMS, n: -i - 1 }) });
      const signature = i % 2 === 0 ? token : other;
      return token.slice(0, token.lastIndexOf('.')) + signature.slice(signature.lastIndexOf('.'));
    }),
  );
  const reasons = await Promise.all(tokens.map(reasonFor));
  expect(reasons).toEqual(tokens.map((_, i) => (i % 2 === 0 ? undefined : 'signature_invalid')));
});

describe.each(['EdDSA', 'ES256', 'RS256'] as const)('%s', (alg) => {
  test('positive control', async () => {
    expect(await reasonFor(await forge({ alg }))).toBeUndefined();
  });

  test('a flipped bit, a byte more or less, zeros: signature_invalid', async () => {
    const token = await forge({ alg });
    const end = token.lastIndexOf('.') + 1;
    const genuine = decodeBase64url(token.slice(end)) ?? new Uint8Array();
    for (const at of [0, 31, 32, genuine.length - 1]) {
      const altered = Uint8Array.from(genuine);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(await reasonFor(token.slice(0, end) + encodeBase64url(altered))).toBe(
        'signature_invalid',
      );
    }
    const lengths = [
      genuine.subarray(1),
      concatBytes(genuine, Uint8Array.of(0)),
      genuine.map(() => 0),
    ];
    for (const altered of lengths) {
      expect(await reasonFor(token.slice(0, end) + encodeBase64url(altered))).toBe(
        'signature_invalid',
      );
    }
  });

  test('the header cannot choose another algorithm or key', async () => {
    for (const other of ['none', 'HS256', 'EdDSA', 'ES256', 'RS256'].filter(
      (name) => name !== alg,
    )) {
      expect(await reasonFor(await forge({ alg, header: { alg: other } }))).toBe(
        'token_algorithm_unsupported',
      );
    }
    expect(await reasonFor(await forge({ alg, header: { kid: 'constructor' } }))).toBe(
      'signing_key_unknown',
    );
  });
});

describe('one text per token', () => {
  test('white space, padding, the other alphabet and trailing bits are refused in every part', async () => {
    const token = await forge();
    expect(await reasonFor(token)).toBeUndefined();
    for (let at = 0; at <= token.length; at += 7) {
      for (const inserted of [' ', '\n', '\t', '=', '+', '/', '\0', 'é']) {
        const altered = token.slice(0, at) + inserted + token.slice(at);
        expect(await reasonFor(altered)).toBe('token_malformed');
      }
    }
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(token.slice(-1));
    for (let i = 0; i < 16; i++) {
      const altered = token.slice(0, -1) + alphabet.charAt((last & 48) | i);
      expect(await reasonFor(altered)).toBe(altered === token ? undefined : 'token_malformed');
    }
  });

  test('long parts go by the native codec, under the same rules', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);
    const text = encodeBase64url(bytes);
    expect(decodeBase64url(text)).toEqual(bytes);
    const [front, back] = [text.slice(0, 500), text.slice(500)];
    for (const altered of [
      ...[`${text}=`, `${text}==`, `${text}\n`, ` ${text}`, `${front} ${back}`, `${front}=${back}`],
      ...[
        `${front}+${back.slice(1)}`,
        `${front}é${back.slice(1)}`,
        `${text.slice(0, -1)}R`,
        `${text}AAA`,
      ],
    ]) {
      expect(decodeBase64url(altered)).toBeUndefined();
    }
  });

  const claims = JSON.stringify(CLAIMS).slice(1);
  test.each([
    ['a duplicate member', `{"sub":"x",${claims}`, 'token_malformed'],
    ['a duplicate member by an escape', `{"\\u0073ub":"x",${claims}`, 'token_malformed'],
    ['an infinite exp', `{${claims.replace(/"exp":\d+/, '"exp":1e400')}`, 'token_malformed'],
    ['a lone surrogate', `{"a":"\\ud800",${claims}`, 'token_malformed'],
    ['a depth bomb', `{"a":${'['.repeat(3000)}`, 'token_malformed'],
    ['claims in __proto__', `{"__proto__":${JSON.stringify(CLAIMS)}}`, 'claims_malformed'],
    ['an exp as text', `{${claims.replace(/"exp":(\d+)/, '"exp":"$1"')}`, 'claims_malformed'],
    ['exp now', `{${claims.replace(/"exp":\d+/, `"exp":${NOW}`)}`, 'token_expired'],
    ['another tenant', `{${claims.replace(policy.tenantId, 'x')}`, 'tenant_mismatch'],
  ])('refuses %s', async (_, payload, reason) => {
    expect(await reasonFor(await forge({ payload }))).toBe(reason);
  });

  test('refuses invalid UTF-8', async () => {
    const header = part(JSON.stringify({ alg: 'EdDSA', kid: 'EdDSA', typ: 'JWT' }));
    const input = `${header}.${encodeBase64url(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))}`;
    const token = `${input}.${encodeBase64url(await signers.EdDSA.sign(input))}`;
    expect(await reasonFor(token)).toBe('token_malformed');
  });
});

describe('keys and signatures that WebCrypto alone would take', () => {
  test.each([
    ['order 1', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['order 2', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['order 4', '0000000000000000000000000000000000000000000000000000000000000000'],
    ['order 4, signed', '0000000000000000000000000000000000000000000000000000000000000080'],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['order 1, not canonical', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['order 4, not canonical', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'],
    ['a y off the curve', '0200000000000000000000000000000000000000000000000000000000000000'],
  ])('an Ed25519 key of %s', async (_, hex) => {
    const x = encodeBase64url(decodeHex(hex) ?? new Uint8Array());
    expect(await importVerificationKey({ kty: 'OKP', crv: 'Ed25519', x })).toMatchObject({
      refusal: { reason: 'verification_key_invalid' },
    });
  });

  test('a point off P-256 and a short RSA modulus', async () => {
    const one = encodeBase64url(Uint8Array.from({ length: 32 }, () => 1));
    const n = encodeBase64url(new Uint8Array(128).fill(255));
    for (const jwk of [
      { kty: 'EC', crv: 'P-256', x: one, y: one },
      { kty: 'RSA', n, e: 'AQAB' },
    ]) {
      expect(await importVerificationKey(jwk)).toMatchObject({
        refusal: { reason: 'verification_key_invalid' },
      });
    }
  });

  test('S + L is refused, S is not', async () => {
    const { key, sign } = signers.EdDSA;
    const signature = await sign('message');
    expect(await verifySignature(key, signature, encodeUtf8('message'))).toBe(true);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const raised = Uint8Array.from(signature);
    let s = order;
    for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i);
    for (let i = 0; i < 32; i++) raised[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
    expect(await verifySignature(key, raised, encodeUtf8('message'))).toBe(false);
  });

  test('psychic ECDSA signatures are refused', async () => {
    const { key } = signers.ES256;
    const message = encodeUtf8('message');
    expect(await verifySignature(key, new Uint8Array(64), message)).toBe(false);
    expect(await verifySignature(key, new Uint8Array(64).fill(255), message)).toBe(false);
  });
});
