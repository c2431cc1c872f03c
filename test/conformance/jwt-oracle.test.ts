/**
 * Guarantee: nothing passes that jose refuses, and where jose is more generous, the difference is one
 * that is written down here. Seeded: a failure names the seed of the token that shows it.
 */

import { verifyJwt } from '@cardea/shared/jwt/verify';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import {
  CLAIMS,
  claimsWith,
  ED,
  ES,
  encodePart,
  forge,
  headerWith,
  type Json,
  JWKS,
  NOW,
  POLICY,
  RS,
  signText,
  VERIFICATION,
  withAlteredTrailingBits,
} from './forge.ts';

/** Where ours refuses what jose accepts under the same keys and policy, and why that is right. */
const STRICTER: Readonly<Record<string, string>> = {
  token_malformed: 'one text per token: canonical base64url, no duplicate members, kid required',
  token_too_large: 'a bound before any decoding',
  token_header_unsupported: 'alg, kid and typ are all that a header may say',
  token_type_unsupported: 'explicit typing (RFC 8725 §3.11), in two spellings',
  claims_malformed: 'required and typed claims beyond exp, nbf and iat',
  token_expired: 'no leeway for exp',
  token_not_yet_valid: 'iat in the future',
  token_lifetime_too_long: 'a bound on exp − iat',
  tenant_mismatch: 'nid is compared',
};

/** mulberry32: small, seeded, good enough to pick cases. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const pick = <T>(random: Random, values: readonly T[]): T | undefined =>
  values[Math.floor(random() * values.length)];

const ODD_VALUES: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 1.5, '', 'x', [], ['x'], {}, { a: 1 }, NOW, String(NOW)],
  ...[NOW + 30, NOW + 61, NOW - 30, NOW + 5000, NOW * 1000, 2 ** 53, 'EdDSA', 'none', 'JWT'],
  ...[POLICY.issuer, POLICY.audience, [POLICY.audience], [POLICY.audience, 1], POLICY.tenantId],
];
const CLAIM_NAMES = [...Object.keys(CLAIMS), 'act', 'act_sid', 'anc', 'acl', 'vis', 'meta', 'team'];
const HEADER_NAMES = ['alg', 'kid', 'typ', 'crit', 'jwk', 'cty', 'b64', 'zip', 'x'];
const GOOD_CHANGES: readonly Json[] = [
  { aud: [POLICY.audience, 'https://other.example'] },
  { exp: NOW + 1 },
  { nbf: NOW + 59 },
  { team: 'blue', meta: { tier: 1 } },
  { scp: [] },
  { act: 'robot', act_sid: '0123456789abcdef' },
];

/** One token: mostly valid, or with one or two things about it changed. */
async function randomToken(random: Random): Promise<string> {
  const pair = pick(random, [ED, ED, ES, RS]) ?? ED;
  let header = headerWith({ alg: pair.algorithm, kid: pair.verificationKey.kid });
  let payload = claimsWith(pick(random, GOOD_CHANGES) ?? {});
  const kind = random();
  if (kind < 0.35) {
    payload = { ...payload, [pick(random, CLAIM_NAMES) ?? 'exp']: pick(random, ODD_VALUES) };
  } else if (kind < 0.55) {
    header = { ...header, [pick(random, HEADER_NAMES) ?? 'alg']: pick(random, ODD_VALUES) };
  } else if (kind < 0.62) {
    const name = pick(random, CLAIM_NAMES) ?? 'exp';
    const twice = `{"${name}":${JSON.stringify(pick(random, ODD_VALUES)) ?? 'null'},`;
    const raw = twice + JSON.stringify(payload).slice(1);
    return forge({ header, payload: { raw }, pair });
  }
  const token = await forge({ header, payload, pair });
  return kind < 0.72 ? token : mutateText(random, token);
}

const CHARACTERS = [...'AZaz09-_+/=. \n\t'];

async function mutateText(random: Random, token: string): Promise<string> {
  const at = Math.floor(random() * (token.length + 1));
  switch (Math.floor(random() * 8)) {
    case 0:
      return token.slice(0, at) + (pick(random, CHARACTERS) ?? '') + token.slice(at);
    case 1:
      return token.slice(0, at) + token.slice(at + 1);
    case 2:
      return token.slice(0, at) + (pick(random, CHARACTERS) ?? '') + token.slice(at + 1);
    case 3:
      return withAlteredTrailingBits(token);
    case 4:
      return token + (pick(random, ['=', '==', '\n', ' ', '.', 'A']) ?? '');
    case 5: {
      const [header = '', payload = ''] = token.split('.');
      return signText(`${header}.${withAlteredTrailingBits(payload)}`);
    }
    case 6:
      return forge({ payload: claimsWith({ pad: 'x'.repeat(Math.floor(random() * 9000)) }) });
    default: {
      const [, payload = '', signature = ''] = token.split('.');
      const header = encodePart(headerWith({ kid: pick(random, ['ed', 'es', 'rs', 'no']) }));
      return `${header}.${payload}.${signature}`;
    }
  }
}

const joseKeys = createLocalJWKSet(JWKS as Parameters<typeof createLocalJWKSet>[0]);

async function doesJoseAccept(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, joseKeys, {
      algorithms: ['EdDSA', 'ES256', 'RS256'],
      issuer: POLICY.issuer,
      audience: POLICY.audience,
      clockTolerance: POLICY.clockSkewSeconds,
      currentDate: new Date(NOW * 1000),
    });
    return true;
  } catch {
    return false; // jose throws for every refusal; which one does not matter here.
  }
}

const TOKENS = 4000;

test('jose accepts whatever ours accepts, and ours is stricter for listed reasons only', async () => {
  const seen = { both: 0, neither: 0, oursOnlyRefuses: 0 };
  const reasons = new Set<string>();
  for (let seed = 1; seed <= TOKENS; seed++) {
    const token = await randomToken(generator(seed));
    const ours = await verifyJwt(token, VERIFICATION);
    const theirs = await doesJoseAccept(token);
    if (ours.ok) {
      expect({ seed, theirs }).toEqual({ seed, theirs: true });
      seen.both++;
    } else if (theirs) {
      const { reason } = ours.refusal;
      expect({ seed, reason, listed: Object.hasOwn(STRICTER, reason) }).toEqual({
        seed,
        reason,
        listed: true,
      });
      reasons.add(reason);
      seen.oursOnlyRefuses++;
    } else {
      seen.neither++;
    }
  }
  // The comparison is worth something only if all three outcomes came up, for every listed reason.
  expect(seen.both).toBeGreaterThan(TOKENS / 20);
  expect(seen.neither).toBeGreaterThan(TOKENS / 20);
  expect(seen.oursOnlyRefuses).toBeGreaterThan(TOKENS / 20);
  expect([...reasons].sort()).toEqual(Object.keys(STRICTER).sort());
}, 120_000);
