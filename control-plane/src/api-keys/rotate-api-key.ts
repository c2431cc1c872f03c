/** Replaces a key by a new one with a new text and a new id; the old one ends in the same batch. */

import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey, RateLimitPolicy } from './api-key.ts';
import { generateApiKey } from './generate-api-key.ts';
import { changesBetween } from './key-changes.ts';
import { newKeyRevocation } from './key-revocation.ts';

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
}

export type RotateOutcome =
  | {
      readonly outcome: 'rotated';
      readonly key: ApiKey;
      readonly text: string;
      readonly oldKey: ApiKey;
      readonly announcement: Announcement;
    }
  | { readonly outcome: 'not_active' | 'not_found' | 'changed_meanwhile' | 'quota_exceeded' };

export async function rotateApiKey(deps: Deps, request: RotateRequest): Promise<RotateOutcome> {
  const { tenant, caller, keyId } = request;
  const { tenantId } = tenant;
  const stored = await deps.apiKeys.find(tenantId, keyId);
  if (stored?.key.kind !== 'issued') return { outcome: 'not_found' };
  const heir = inherit(stored.key, request);
  const generated = await generateApiKey(deps, tenant, heir.visibility);
  const { secretHash } = generated;
  const operation = 'api_key.rotate';
  const replaced = await deps.apiKeys.replace({
    tenantId,
    oldKeyId: keyId,
    oldRevision: stored.key.revision,
    overlapSeconds: 0,
    replacement: { ...heir, tenantId, kind: 'issued', keyId: generated.keyId, secretHash },
    revocation: newKeyRevocation(deps, { tenantId, keyId, cause: operation }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: {
        key_id: { before: keyId, after: generated.keyId },
        ...changesBetween(stored.key, heir),
      },
    }),
  });
  if (replaced.outcome !== 'replaced') return { outcome: replaced.outcome };
  const announcement = await deps.announcer.announce([replaced.revocation]);
  const { key, oldKey } = replaced;
  return { outcome: 'rotated', key, text: generated.text, oldKey, announcement };
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
