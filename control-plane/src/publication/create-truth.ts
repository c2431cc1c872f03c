/** Puts a publisher's `Truth` together from the stores of either database. For composition roots. */

import type { RandomBytes } from '@cardea/shared/crypto/random';
import { auditKeyReader, createEventRecorder } from '../audit/event-recorder.ts';
import { type SealingParts, sealAuditEvents } from '../audit/seal-events.ts';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import { edgeRootReader } from '../edges/edge-secret.ts';
import type { Log } from '../log.ts';
import { macaroonKeyTimes } from '../macaroons/macaroon-key.ts';
import { macaroonRootReader } from '../macaroons/macaroon-root.ts';
import { createKeySealer, type SealedKeyParts } from '../macaroons/sealed-keys.ts';
import { revocationLivesSeconds } from '../revocations/new-revocation.ts';
import type { RevocationStore } from '../revocations/store.ts';
import { generateSigningKey } from '../signing-keys/sealed-signing-key.ts';
import { publicationBoundSeconds } from '../signing-keys/signing-key.ts';
import type { SigningKeyStore } from '../signing-keys/store.ts';
import type { SecretMeans } from '../tokens/stored-secret.ts';
import { noticeSeconds } from './notice.ts';
import type { RestorationStore } from './restoration.ts';
import type { Truth } from './truth.ts';

export interface TruthParts {
  readonly config: Pick<
    ControlPlaneConfig,
    | 'environmentId'
    | 'feedHardSeconds'
    | 'feedHeartbeatSeconds'
    | 'clockSkewSeconds'
    | 'derivedTokenTtlMaxSeconds'
    | 'macaroonEpochSeconds'
  >;
  readonly clock: Clock;
  readonly edges: SealedKeyParts['edges'];
  readonly replacedKeys: SealedKeyParts['replacedKeys'];
  readonly revocations: RevocationStore;
  readonly signingKeys: SigningKeyStore;
  readonly tenants: Truth['tenants'];
  readonly auditEvents: SealingParts['events'];
  readonly restorations: RestorationStore;
  readonly secrets: SecretMeans['store'];
  readonly keyEncryption: SecretMeans['keyEncryption'];
  readonly randomBytes: RandomBytes;
  readonly log: Log;
}

export function createTruth(parts: TruthParts): Truth {
  const { config, keyEncryption, log, randomBytes, revocations, secrets, signingKeys } = parts;
  const means = { keyEncryption, randomBytes };
  const secretMeans = { ...means, store: secrets };
  const auditKey = auditKeyReader(secretMeans);
  return {
    revocations,
    signingKeys,
    generateSigningKey: (tenantId) => generateSigningKey({ tenantId, algorithm: 'EdDSA' }, means),
    sealKeys: createKeySealer({
      ...{ edges: parts.edges, replacedKeys: parts.replacedKeys, clock: parts.clock },
      root: macaroonRootReader(secretMeans),
      edgeRoot: edgeRootReader(secretMeans),
      environmentId: config.environmentId,
      times: macaroonKeyTimes(config),
    }),
    tenants: parts.tenants,
    binding: config,
    durations: {
      boundSeconds: publicationBoundSeconds(config),
      tokenLivesSeconds: tokenLivesSeconds(config),
      // With short lives the news of a key's end takes longer than its last token lives.
      retiringSeconds: Math.max(tokenLivesSeconds(config), noticeSeconds(config)),
    },
    sealAudit: (known) => sealAuditEvents({ events: parts.auditEvents, auditKey, log }, known),
    restoration: {
      store: parts.restorations,
      auditEvent: createEventRecorder({ auditKey, randomBytes }),
      randomBytes,
    },
  };
}

/** How long a token may be accepted after it was issued: its longest life and the skew. */
export function tokenLivesSeconds(
  config: Pick<ControlPlaneConfig, 'clockSkewSeconds' | 'derivedTokenTtlMaxSeconds'>,
): number {
  const { clockSkewSeconds, derivedTokenTtlMaxSeconds } = config;
  const limits = { clockSkewSeconds, derivedTokenTtlSecondsMax: derivedTokenTtlMaxSeconds };
  return revocationLivesSeconds(limits);
}
