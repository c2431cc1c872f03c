/**
 * Revokes on an administrator's word, one thing or many of a kind. A key that is revoked for good ends
 * as it does by its own operation (`api-keys/revoke-api-key`): its row must not go on saying `active`.
 */

import { frame } from '@cardea/shared/bytes/framing';
import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { sha256 } from '@cardea/shared/crypto/digest';
import { secondsOf, unixSeconds } from '@cardea/shared/time';
import { randomUuid } from '../api-keys/generate-api-key.ts';
import { idempotencyOf } from '../api-keys/issue-api-key.ts';
import type { Idempotency } from '../api-keys/store.ts';
import type { AuditChanges, Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { revokeKeyForGood } from './key-for-good.ts';
import type { RevocationsRead } from './ledger.ts';
import { type RevocationCause, revocationLivesSeconds } from './new-revocation.ts';
import type { Announcement, NewRevocation, Revocation } from './revocation.ts';
import { newRevocationOf, type SubjectProblem, unknownKeyOf } from './subject.ts';
import { type CheckedTarget, type RevocationWish, readTarget } from './target.ts';

export interface CreateRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  /** At least one, at most `REVOCATION_BATCH_MAX`. */
  readonly wishes: readonly RevocationWish[];
  readonly reason?: string;
  /** The client's own id of this request: the same one never revokes twice. */
  readonly requestId?: string;
}

export type CreateRevocationsOutcome =
  | (RevocationsRead & {
      readonly outcome: 'created' | 'replayed';
      readonly announcement: Announcement;
    })
  /** `place`: of the wish that is refused. Nothing has been revoked. */
  | { readonly outcome: 'invalid'; readonly place: number; readonly rule: string }
  | { readonly outcome: SubjectProblem; readonly place: number }
  | { readonly outcome: 'request_id_reused' | 'already_revoked' };

/** All of them or none. Throws `StoreUnavailable`. */
export async function createRevocations(
  deps: Deps,
  request: CreateRequest,
): Promise<CreateRevocationsOutcome> {
  const { wishes, requestId, reason } = request;
  const clock = {
    nowSeconds: secondsOf(deps.clock.now()),
    clockSkewSeconds: deps.config.clockSkewSeconds,
  };
  const targets: CheckedTarget[] = [];
  for (const [place, wish] of wishes.entries()) {
    const read = readTarget(wish, clock);
    if (!read.ok) return { outcome: 'invalid', place, rule: read.rule };
    targets.push(read.target);
  }
  const idempotency =
    requestId === undefined ? undefined : await idempotencyOf(requestId, { wishes, reason });
  const [only] = targets;
  const isKeyForGood = only?.scope === 'key' && only.bound === 'for_good';
  const outcome =
    targets.length === 1 && isKeyForGood
      ? await revokeKeyForGood(deps, { ...request, keyId: only.subject, idempotency })
      : await createRows(deps, { ...request, targets, idempotency });
  switch (outcome.outcome) {
    case 'created': {
      const announcement = await deps.announcer.announce(outcome.revocations);
      return createdFrom(outcome.revocations, announcement);
    }
    case 'replayed':
      return replay(deps, request, outcome.revocationId);
    default:
      return outcome;
  }
}

interface RowsRequest extends CreateRequest {
  readonly targets: readonly CheckedTarget[];
  readonly idempotency: Idempotency | undefined;
}

async function createRows(deps: Deps, request: RowsRequest) {
  const { caller, idempotency, reason, targets, tenant } = request;
  const { tenantId } = tenant;
  const ids = await revocationIds(randomUuid(deps), targets.length);
  const livesSeconds = livesSecondsOf(deps);
  const unknown = await unknownKeyOf(deps, tenantId, targets);
  if (unknown !== undefined) return { outcome: 'key_not_found', place: unknown } as const;
  const news: NewRevocation[] = [];
  for (const [place, target] of targets.entries()) {
    const cause: RevocationCause = {
      ...{ revocationId: ids[place] ?? '', tenantId, cause: 'revocation.create', livesSeconds },
      ...(reason === undefined ? {} : { reason }),
    };
    const made = await newRevocationOf(deps, target, cause);
    if (!('revocation' in made)) return { ...made, place };
    news.push(made.revocation);
  }
  const items = await Promise.all(
    news.map(async (revocation) => ({
      revocation,
      audit: await deps.auditEvent({
        ...{ tenantId, operation: 'revocation.create', caller },
        targetId: revocation.revocationId,
        changes: changesOf(revocation),
      }),
    })),
  );
  return deps.revocationLedger.create({
    ...{ tenantId, items },
    ...(idempotency === undefined ? {} : { idempotency }),
  });
}

function livesSecondsOf({ config }: Pick<Deps, 'config'>): number {
  const { clockSkewSeconds, derivedTokenTtlMaxSeconds: derivedTokenTtlSecondsMax } = config;
  return revocationLivesSeconds({ clockSkewSeconds, derivedTokenTtlSecondsMax });
}

function changesOf({ bound, reason, scope, subject }: NewRevocation): AuditChanges {
  const time = typeof bound === 'number' ? new Date(bound * 1000).toISOString() : undefined;
  return {
    target: { after: scope },
    extent: { after: bound === 'for_good' ? 'for_good' : 'cut_off' },
    ...(subject === undefined ? {} : { subject: { after: subject } }),
    ...(time === undefined ? {} : { cut_off_time: { after: time } }),
    ...(reason === undefined ? {} : { reason: { after: reason } }),
  };
}

/** The ids of the revocations of one request, which follow from the first: a replay finds them all. */
async function revocationIds(firstId: string, count: number): Promise<readonly string[]> {
  const others = Array.from({ length: count - 1 }, async (_, i) => {
    const hash = await sha256(frame('revocation-batch/v1', firstId, String(i + 1)));
    return formatUuid(uuidV4FromRandom(hash.subarray(0, 16)));
  });
  return [firstId, ...(await Promise.all(others))];
}

/** As they are after they have been announced. */
function createdFrom(
  made: readonly Revocation[],
  announcement: Announcement,
): CreateRevocationsOutcome {
  const isAcknowledged = announcement === 'acknowledged';
  const revocations = made.map((row) => ({ ...row, isAcknowledged }));
  const now = made[0]?.createdAtSeconds ?? unixSeconds(0);
  return { outcome: 'created', announcement, revocations, now };
}

/** A request that was answered `accepted` is announced once more: the publisher may be back. */
async function replay(
  deps: Deps,
  { tenant, wishes }: CreateRequest,
  firstId: string,
): Promise<CreateRevocationsOutcome> {
  const ids = await revocationIds(firstId, wishes.length);
  const read = await deps.revocationLedger.findMany(tenant.tenantId, ids);
  const revocations = inOrder(read, ids);
  // Where tokens live shortly, rows go before request ids do: as for a key that is gone.
  if (revocations.length < ids.length) return { outcome: 'request_id_reused' };
  const { acknowledgesCommits } = deps.announcer;
  const isWaiting = revocations.some((row) => !row.isAcknowledged && !acknowledgesCommits);
  const announcement = isWaiting ? await deps.announcer.announce(revocations) : 'acknowledged';
  return { outcome: 'replayed', announcement, now: read.now, revocations };
}

function inOrder({ revocations }: RevocationsRead, ids: readonly string[]): readonly Revocation[] {
  const byId = new Map(revocations.map((row) => [row.revocationId, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
