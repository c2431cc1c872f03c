/**
 * Verifies derived tokens on the control plane: the shared gate with the tenant's keys, then the
 * revocations. Keys are remembered for a few seconds; revocations never are.
 */

import { importVerificationKey } from '@cardea/shared/crypto/verification-key';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import type { TokenPolicy } from '@cardea/shared/jwt/check-claims';
import { parseJwt } from '@cardea/shared/jwt/parse';
import { type JwtVerificationKey, verifyJwt } from '@cardea/shared/jwt/verify';
import { parseIdentifier } from '@cardea/shared/macaroon/identifier';
import { isMacaroonToken, readMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import type { ReadTenantKeys } from '../macaroons/tenant-keys.ts';
import type { RevocationStore } from '../revocations/store.ts';
import { keysetKeysOf } from '../signing-keys/published-keys.ts';
import type { SigningKeyStore } from '../signing-keys/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { DerivedTokenVerifier, VerifiedDerivedToken } from './derived-tokens.ts';

export interface VerifierParts {
  readonly config: Pick<
    ControlPlaneConfig,
    'derivedTokenTtlMaxSeconds' | 'clockSkewSeconds' | 'feedHardSeconds'
  >;
  readonly signingKeys: Pick<SigningKeyStore, 'list'>;
  readonly macaroonKeys: ReadTenantKeys;
  readonly revocations: Pick<RevocationStore, 'highestBound'>;
  readonly clock: Clock;
}

type Keys = ReadonlyMap<string, JwtVerificationKey>;

/** How long a tenant's public keys are remembered. A leaked key is revoked by its kid, at once. */
const KEYS_MILLISECONDS_MAX = 5000;
/** How soon a token with an unknown kid makes us look again: forged ones must not cost a read each. */
const UNKNOWN_KID_MILLISECONDS = 1000;

export function createDerivedTokenVerifier(parts: VerifierParts): DerivedTokenVerifier {
  const keysOf = keyReader(parts);
  return {
    async verify(text, tenant) {
      const verified = isMacaroonToken(text)
        ? await verifyMacaroon(parts, text, tenant)
        : await verifyJwtOf(parts, text, { tenant, keysOf });
      return verified.ok ? unlessRevoked(parts, verified.value) : verified;
    },
  };
}

interface JwtMeans {
  readonly tenant: Tenant;
  readonly keysOf: ReturnType<typeof keyReader>;
}

async function verifyJwtOf(
  { clock, config }: VerifierParts,
  text: string,
  { tenant, keysOf }: JwtMeans,
): Promise<Result<VerifiedDerivedToken>> {
  const parsed = parseJwt(text);
  if (!parsed.ok) return parsed;
  const { keyId: kid } = parsed.value.unverifiedHeader;
  const { audience } = tenant;
  const verified = await verifyJwt(text, {
    keys: await keysOf(tenant, kid),
    policy: policyOf(config, tenant, audience),
    nowSeconds: secondsOf(clock.now()),
  });
  return verified.ok ? accept({ claims: verified.value, kid, audience }) : verified;
}

async function verifyMacaroon(
  { clock, config, macaroonKeys }: VerifierParts,
  text: string,
  tenant: Tenant,
): Promise<Result<VerifiedDerivedToken>> {
  const token = readMacaroonToken(text);
  if (!token.ok) return token;
  const identifier = parseIdentifier(token.value.macaroon.identifier);
  if (!identifier.ok) return identifier;
  const { kid } = identifier.value;
  const { keys } = await macaroonKeys(tenant, kid);
  const key = keys.get(kid);
  if (key === undefined) return refuse('signing_key_unknown');
  const { audience } = key;
  const verified = verifyMacaroonToken(text, {
    keys,
    policy: policyOf(config, tenant, audience),
    nowSeconds: secondsOf(clock.now()),
  });
  if (!verified.ok) return verified;
  const { claims, caveats } = verified.value;
  const ownCaveats = token.value.macaroon.caveats.slice(1);
  return accept({ claims, kid, audience, narrowing: { caveats, ownCaveats } });
}

function policyOf(
  config: VerifierParts['config'],
  { issuer, tenantId }: Tenant,
  audience: string,
): TokenPolicy {
  const { clockSkewSeconds, derivedTokenTtlMaxSeconds: lifetimeSecondsMax } = config;
  return { issuer, audience, tenantId, lifetimeSecondsMax, clockSkewSeconds };
}

async function unlessRevoked(
  { revocations }: VerifierParts,
  token: VerifiedDerivedToken,
): Promise<Result<VerifiedDerivedToken>> {
  const { claims, kid } = token;
  const scopes = tokenScopesOf(claims, { scopeId: await scopeIdOfSigningKey(kid) });
  if (!scopes.ok) return scopes;
  const bound = await revocations.highestBound(claims.tenantId, scopes.value.scopeIds);
  const isRevoked = bound !== undefined && scopes.value.issuedAtSeconds <= bound;
  return isRevoked ? refuse('token_revoked', { kid }) : accept(token);
}

/** Reads a tenant's keys, at most as often as the two constants say. */
function keyReader(parts: VerifierParts): (tenant: Tenant, kid: string) => Promise<Keys> {
  const { clock } = parts;
  const known = new Map<string, { readonly keys: Keys; readonly readAt: UnixMilliseconds }>();
  return async (tenant, kid) => {
    const { tenantId } = tenant;
    const cached = known.get(tenantId);
    if (cached !== undefined) {
      const age = clock.now() - cached.readAt;
      const ageMax = cached.keys.has(kid) ? KEYS_MILLISECONDS_MAX : UNKNOWN_KID_MILLISECONDS;
      if (age >= 0 && age < ageMax) return cached.keys;
    }
    const readAt = clock.now();
    const keys = await readKeys(parts, tenant);
    known.set(tenantId, { keys, readAt });
    return keys;
  };
}

/** The same keys with the same bindings as in the feed. */
async function readKeys({ config, signingKeys }: VerifierParts, tenant: Tenant): Promise<Keys> {
  const keys = new Map<string, JwtVerificationKey>();
  const stored = await signingKeys.list(tenant.tenantId);
  for (const key of keysetKeysOf(stored, { ...config, ...tenant })) {
    const imported = await importVerificationKey({ ...key.jwk });
    // Our own row: a key that does not import is a bug, not a refusal of the token.
    if (!imported.ok) throw new TypeError('A stored public key is not usable.');
    keys.set(key.kid, { ...key, ...imported.value });
  }
  return keys;
}
