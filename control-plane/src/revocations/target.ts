/**
 * What an administrator asks to revoke, checked: the table of docs/revocation.md. Says nothing about
 * whether what is named exists. Pure.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { isUuidV4 } from '@cardea/shared/bytes/uuid';
import { KID_BYTES_MAX } from '@cardea/shared/limits';
import type { UnixSeconds } from '@cardea/shared/time';
import { kindOfKeyId } from '../api-keys/key-id.ts';
import type { CutOffBound } from './new-revocation.ts';
import type { RevocationScope } from './revocation.ts';

export type Extent = 'for_good' | 'cut_off';

export interface RevocationWish {
  readonly target: RevocationScope;
  /** A `jti`, a key id, an actor, a tenant's id or a `kid`; absent for everything. */
  readonly subject?: string;
  /** Absent: `for_good` where that is possible and no time is given. */
  readonly extent?: Extent;
  /** Of a cut-off; absent: now. */
  readonly cutOffSeconds?: UnixSeconds;
}

export interface CheckedTarget {
  readonly scope: RevocationScope;
  /** '' for everything. */
  readonly subject: string;
  readonly bound: 'for_good' | CutOffBound;
}

export type TargetRead =
  | { readonly ok: true; readonly target: CheckedTarget }
  /** `rule` is public text: the member and what it broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

/** The first is what is meant when nothing is said. */
const EXTENTS: Readonly<Record<RevocationScope, readonly Extent[]>> = {
  token: ['for_good'],
  key: ['for_good', 'cut_off'],
  actor: ['cut_off'],
  tenant: ['cut_off'],
  signing_key: ['for_good'],
  everything: ['cut_off'],
};

const SUBJECTS: Readonly<
  Record<RevocationScope, { readonly isSubject: (text: string) => boolean; readonly rule: string }>
> = {
  token: { isSubject: isUuidV4, rule: 'must be the jti of a token' },
  key: { isSubject: (text) => kindOfKeyId(text) !== undefined, rule: 'must be the id of a key' },
  actor: { isSubject: (text) => text !== '', rule: 'must name an actor' },
  tenant: { isSubject: isUuidV4, rule: 'must be the id of a tenant' },
  signing_key: { isSubject: isKid, rule: 'must be the kid of a signing key' },
  everything: { isSubject: (text) => text === '', rule: 'must be absent: everything is meant' },
};

function isKid(text: string): boolean {
  return text !== '' && encodeUtf8(text).length <= KID_BYTES_MAX;
}

export function readTarget(
  { target: scope, subject = '', extent, cutOffSeconds }: RevocationWish,
  clock: { readonly nowSeconds: UnixSeconds; readonly clockSkewSeconds: number },
): TargetRead {
  const { isSubject, rule } = SUBJECTS[scope];
  if (!isSubject(subject)) return { ok: false, rule: `subject: ${rule}` };
  const [usual = 'for_good', ...others] = EXTENTS[scope];
  const meant = extent ?? (cutOffSeconds === undefined ? usual : 'cut_off');
  if (meant !== usual && !others.includes(meant)) {
    const problem = meant === 'cut_off' ? 'revoked for good only' : 'cut off in time only';
    return { ok: false, rule: `extent: this target is ${problem}` };
  }
  if (meant === 'for_good') {
    return cutOffSeconds === undefined
      ? { ok: true, target: { scope, subject, bound: 'for_good' } }
      : { ok: false, rule: 'cut_off_time: only with a cut-off' };
  }
  if (cutOffSeconds === undefined) {
    return { ok: true, target: { scope, subject, bound: 'at_commit' } };
  }
  // Until it is past nothing could be derived: nobody shuts a deployment down by a slip of the pen.
  if (cutOffSeconds > clock.nowSeconds + clock.clockSkewSeconds) {
    return { ok: false, rule: 'cut_off_time: lies in the future' };
  }
  return { ok: true, target: { scope, subject, bound: cutOffSeconds } };
}
