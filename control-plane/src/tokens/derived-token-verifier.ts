/**
 * Verifies derived tokens on the control plane: the shared gate with the tenant's keys, then the
 * revocations. Public keys are remembered for a few seconds; revocations never are.
 */

import { importVerificationKey } from '@cardea/shared/crypto/verification-key';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import { parseJwt } from '@cardea/shared/jwt/parse';
import { type JwtVerificationKey, verifyJwt } from '@cardea/shared/jwt/verify';
import { refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import type { RevocationStore } from '../revocations/store.ts';
import { keysetKeysOf } from '../signing-keys/published-keys.ts';
import type { SigningKeyStore } from '../signing-keys/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { DerivedTokenVerifier } from './derived-tokens.ts';

export interface VerifierParts {
  readonly config: Pick<
    ControlPlaneConfig,
    'derivedTokenTtlMaxSeconds' | 'clockSkewSeconds' | 'feedHardSeconds'
  >;
  readonly signingKeys: Pick<SigningKeyStore, 'list'>;
  readonly revocations: Pick<RevocationStore, 'highestBound'>;
  readonly clock: Clock;
}

type Keys = ReadonlyMap<string, JwtVerificationKey>;

/** How long a tenant's public keys are remembered. A leaked key is revoked by its kid, at once. */
const KEYS_MILLISECONDS_MAX = 5000;
/** How soon a token with an unknown kid makes us look again: forged ones must not cost a read each. */
const UNKNOWN_KID_MILLISECONDS = 1000;

export function createDerivedTokenVerifier(parts: VerifierParts): DerivedTokenVerifier {
  const { clock, config, revocations } = parts;
  const keysOf = keyReader(parts);
  return {
    async verify(text, tenant) {
      const { tenantId } = tenant;
      const parsed = parseJwt(text);
      if (!parsed.ok) return parsed;
      const { keyId: kid } = parsed.value.unverifiedHeader;
      const verified = await verifyJwt(text, {
        keys: await keysOf(tenant, kid),
        policy: {
          issuer: tenant.issuer,
          audience: tenant.audience,
          tenantId,
          lifetimeSecondsMax: config.derivedTokenTtlMaxSeconds,
          clockSkewSeconds: config.clockSkewSeconds,
        },
        nowSeconds: secondsOf(clock.now()),
      });
      if (!verified.ok) return verified;
      const signingKey = { scopeId: await scopeIdOfSigningKey(kid) };
      const scopes = tokenScopesOf(verified.value, signingKey);
      if (!scopes.ok) return scopes;
      const bound = await revocations.highestBound(tenantId, scopes.value.scopeIds);
      const isRevoked = bound !== undefined && scopes.value.issuedAtSeconds <= bound;
      return isRevoked ? refuse('token_revoked', { kid }) : verified;
    },
  };
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
