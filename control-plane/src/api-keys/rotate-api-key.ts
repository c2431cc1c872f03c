/**
 * Replaces a key by a new one with a new text and a new id. The old one ends in the same batch, or
 * lives on for an overlap that the same batch fixes: then it ends by itself.
 */

import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey, RateLimitPolicy } from './api-key.ts';
import { generateApiKey } from './generate-api-key.ts';
import { changesBetween } from './key-changes.ts';
import { newKeyRevocation } from './key-revocation.ts';
import { retryOnChange } from './retry-on-change.ts';
import { statusOf } from './status.ts';
import type { StoredApiKey } from './store.ts';

/** What is present overrides, `null` clears, what is absent is inherited. */
export interface RotateRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly keyId: string;
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly visibility?: ApiKey['visibility'];
  readonly rateLimitPolicy?: RateLimitPolicy | null;
  readonly allowedCidrs?: readonly string[] | null;
  /** Whole seconds for which the old key lives on; 0 for none. */
  readonly overlapSeconds: number;
}

export type RotateOutcome =
  | {
      readonly outcome: 'rotated';
      readonly key: ApiKey;
      readonly text: string;
      readonly oldKey: ApiKey;
      /** Absent with an overlap: nothing is revoked yet. */
      readonly announcement?: Announcement;
    }
  /**
   * `overlap_too_long`: for what is left of the old key's life. `changed_meanwhile`: others changed
   * it again and again while this was tried.
   */
  | { readonly outcome: 'not_active' | 'not_found' | 'overlap_too_long' }
  | { readonly outcome: 'changed_meanwhile' | 'quota_exceeded' };

export async function rotateApiKey(deps: Deps, request: RotateRequest): Promise<RotateOutcome> {
  const replaced = await retryOnChange(() => tryToReplace(deps, request));
  if (replaced.outcome !== 'replaced') return replaced;
  const { key, oldKey, revocation, text } = replaced;
  if (request.overlapSeconds > 0) return { outcome: 'rotated', key, text, oldKey };
  const announcement = await deps.announcer.announce([revocation]);
  return { outcome: 'rotated', key, text, oldKey, announcement };
}

async function tryToReplace(deps: Deps, request: RotateRequest) {
  const { keyId, overlapSeconds, tenant } = request;
  const { tenantId } = tenant;
  const stored = await deps.apiKeys.find(tenantId, keyId);
  if (stored?.key.kind !== 'issued') return { outcome: 'not_found' } as const;
  if (isOverlapTooLong(stored, overlapSeconds)) return { outcome: 'overlap_too_long' } as const;
  const heir = inherit(stored.key, request);
  const { secretHash, text, ...generated } = await generateApiKey(deps, tenant, heir.visibility);
  const delay = overlapSeconds === 0 ? {} : { effectiveAfterSeconds: overlapSeconds };
  const replaced = await deps.apiKeys.replace({
    ...{ tenantId, oldKeyId: keyId, oldRevision: stored.key.revision, overlapSeconds },
    replacement: { ...heir, tenantId, kind: 'issued', keyId: generated.keyId, secretHash },
    revocation: newKeyRevocation(deps, { tenantId, keyId, cause: 'api_key.rotate', ...delay }),
    audit: await auditEventOf(deps, request, { old: stored.key, heir, newKeyId: generated.keyId }),
    ...(tenant.apiKeysMax === undefined ? {} : { keysMax: tenant.apiKeysMax }),
  });
  return { ...replaced, text };
}

/** Of a key that is not active the store says so. */
function isOverlapTooLong({ key, now }: StoredApiKey, overlapSeconds: number): boolean {
  const end = key.expireTime ?? Number.POSITIVE_INFINITY;
  return statusOf(key, now) === 'active' && now + overlapSeconds * 1000 > end;
}

interface Succession {
  readonly old: ApiKey;
  readonly heir: ReturnType<typeof inherit>;
  readonly newKeyId: string;
}

function auditEventOf(
  deps: Deps,
  { caller, keyId, overlapSeconds, tenant }: RotateRequest,
  { heir, newKeyId, old }: Succession,
) {
  const { tenantId } = tenant;
  return deps.auditEvent({
    ...{ tenantId, operation: 'api_key.rotate', targetId: keyId, caller },
    changes: {
      key_id: { before: keyId, after: newKeyId },
      ...changesBetween(old, heir),
      ...(overlapSeconds === 0 ? {} : { overlap: { after: `${overlapSeconds}s` } }),
    },
  });
}

function inherit(old: ApiKey, request: RotateRequest) {
  const metadata = request.metadata ?? old.metadata;
  const rateLimitPolicy = pick(request.rateLimitPolicy, old.rateLimitPolicy);
  const allowedCidrs = pick(request.allowedCidrs, old.allowedCidrs);
  return {
    name: request.name ?? old.name,
    actorId: old.actorId,
    scopes: request.scopes ?? old.scopes,
    visibility: request.visibility ?? old.visibility,
    ...(metadata === undefined ? {} : { metadata }),
    ...(rateLimitPolicy === undefined ? {} : { rateLimitPolicy }),
    ...(allowedCidrs === undefined ? {} : { allowedCidrs }),
  };
}

function pick<T>(present: T | null | undefined, inherited: T | undefined): T | undefined {
  return present === undefined ? inherited : (present ?? undefined);
}
