/** Starts the replacement of a tenant's signing key; the publisher does the rest when it is due. */

import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import { generateSigningKey } from './sealed-signing-key.ts';
import type { SigningKey } from './signing-key.ts';

export interface Rotation {
  readonly tenantId: string;
  readonly algorithm: JwsAlgorithm;
  readonly caller: Caller;
}

export type RotationOutcome =
  | { readonly outcome: 'started'; readonly key: SigningKey }
  /** One replacement at a time: the one before has not become active yet. */
  | { readonly outcome: 'under_way' };

/** Throws `StoreUnavailable`. A publisher that cannot be told finds the new key by itself. */
export async function startRotation(
  deps: Pick<Deps, 'auditEvent' | 'feed' | 'keys' | 'randomBytes' | 'signingKeys'>,
  rotation: Rotation,
): Promise<RotationOutcome> {
  const means = { keyEncryption: deps.keys.keyEncryption, randomBytes: deps.randomBytes };
  const generated = await generateSigningKey(rotation, means);
  const { tenantId, algorithm, caller } = rotation;
  const audit = await deps.auditEvent({
    ...{ tenantId, operation: 'signing_key.rotate', targetId: generated.kid, caller },
    changes: { kid: { after: generated.kid }, algorithm: { after: algorithm } },
  });
  const inserted = await deps.signingKeys.insertPending(generated, audit);
  if (inserted === 'pending_exists') return { outcome: 'under_way' };
  const keys = await deps.signingKeys.list(rotation.tenantId);
  const key = keys.find(({ kid }) => kid === generated.kid);
  if (key === undefined) throw new TypeError('An inserted signing key is not listed.');
  await deps.feed.wake();
  return { outcome: 'started', key };
}
