/**
 * Decides whether a text is a live API key that may be used from an address. Grammar, prefix and
 * checksum come before any database read; the database proves the random part by its hash.
 */

import { checkApiKey, secretHashOf } from '@cardea/shared/credential/api-key';
import { kindOfCredential } from '@cardea/shared/credential/kind';
import { equalTextConstantTime } from '@cardea/shared/crypto/equal-constant-time';
import { isAddressAllowed } from '@cardea/shared/ip/cidr';
import { accept, type Result, refuse } from '@cardea/shared/result';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { CREDENTIAL_ROUTING } from './credential-routing.ts';
import { importedKeyId, rawKeyHashOf } from './imported-key-id.ts';
import { statusOf } from './status.ts';
import type { StoredApiKey } from './store.ts';

export interface AuthenticatedApiKey {
  readonly key: ApiKey;
  /** The database's clock at the moment the key was read. */
  readonly now: UnixMilliseconds;
}

interface Presentation {
  readonly tenant: Tenant;
  /** Absent when it is not known: then a key that is bound to addresses is refused. */
  readonly clientAddress?: string | undefined;
}

/** Which row a text names, and what the row must hold for the text to be genuine. */
export interface PresentedKey {
  readonly kind: ApiKey['kind'];
  readonly keyId: string;
  /** As in `StoredApiKey.secretHash`. The id of an imported key is a keyed hash: proof enough. */
  readonly secretHash: string;
}

/**
 * Refuses with `api_key_malformed`, `api_key_unknown`, `api_key_revoked`, `api_key_expired`,
 * `api_key_disabled`, `ip_not_allowed`, in this order, and with `token_type_unsupported` for what is no API key at all.
 */
export async function authenticateApiKey(
  deps: Pick<Deps, 'apiKeys' | 'importPepper' | 'keys'>,
  text: string,
  { tenant, clientAddress }: Presentation,
): Promise<Result<AuthenticatedApiKey>> {
  const proved = await proveApiKey(deps, text, tenant);
  return proved.ok ? judgeApiKey(proved.value, clientAddress) : proved;
}

/** Proves possession of a key, whatever its status. Refuses as above, up to `api_key_unknown`. */
export async function proveApiKey(
  deps: Pick<Deps, 'apiKeys' | 'importPepper' | 'keys'>,
  text: string,
  tenant: Tenant,
): Promise<Result<AuthenticatedApiKey>> {
  const presented = await presentedKeyOf(deps, text, tenant);
  if (!presented.ok) return presented;
  const stored = await deps.apiKeys.find(tenant.tenantId, presented.value.keyId);
  return proveStored(presented.value, stored);
}

/** What comes before the database. Refuses with `api_key_malformed`, `token_type_unsupported`. */
export async function presentedKeyOf(
  deps: Pick<Deps, 'importPepper' | 'keys'>,
  text: string,
  tenant: Tenant,
): Promise<Result<PresentedKey>> {
  const kind = kindOfCredential(text, CREDENTIAL_ROUTING);
  if (kind === 'jwt' || kind === 'macaroon') return refuse('token_type_unsupported');
  if (kind === 'imported') {
    const rawKeyHash = await rawKeyHashOf(text);
    const keyId = await importedKeyId(await deps.importPepper(), tenant.tenantId, rawKeyHash);
    return accept({ kind, keyId, secretHash: '' });
  }
  const { apiKeyPrefix, publicApiKeyPrefix, retiredApiKeyPrefixes } = tenant;
  const checked = await checkApiKey(text, {
    checksumKeys: deps.keys.checksum,
    prefixes: [apiKeyPrefix, publicApiKeyPrefix, ...retiredApiKeyPrefixes],
  });
  if (!checked.ok) return checked;
  const { keyId, secretPart } = checked.value;
  return accept({ kind, keyId, secretHash: await secretHashOf(secretPart) });
}

/** Stands in for the hash of a key that is not there: no 32 bytes that anybody knows have it. */
const NO_HASH = '0'.repeat(64);

/**
 * Compares with the row that was found under `keyId`, if one was: the same work either way. Refuses
 * with `api_key_unknown`.
 */
export function proveStored(
  presented: PresentedKey,
  stored: StoredApiKey | undefined,
): Result<AuthenticatedApiKey> {
  const isGenuine = equalTextConstantTime(presented.secretHash, stored?.secretHash ?? NO_HASH);
  if (!isGenuine || stored?.key.kind !== presented.kind) return refuse('api_key_unknown');
  return accept({ key: stored.key, now: stored.now });
}

/** Whether a key that was proved is live and may be used from here: the last four refusals above. */
export function judgeApiKey(
  proved: AuthenticatedApiKey,
  clientAddress: string | undefined,
): Result<AuthenticatedApiKey> {
  const { key, now } = proved;
  const evidence = { key_id: key.keyId };
  const status = statusOf(key, now);
  if (status === 'revoked') return refuse('api_key_revoked', evidence);
  if (status === 'expired') return refuse('api_key_expired', evidence);
  if (status === 'disabled') return refuse('api_key_disabled', evidence);
  if (!isUsableFrom(clientAddress, key.allowedCidrs)) return refuse('ip_not_allowed', evidence);
  return accept(proved);
}

/** No list means anywhere; with a list, an unknown address is outside of it. */
export function isUsableFrom(
  clientAddress: string | undefined,
  allowedCidrs: readonly string[] | undefined,
): boolean {
  if (allowedCidrs === undefined) return true;
  return clientAddress !== undefined && isAddressAllowed(clientAddress, allowedCidrs);
}
