/** What `createApp` needs from outside. Composition roots make it; tests may replace parts of it. */

import type { SecretRoot } from '@cardea/shared/crypto/derive-secret';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import type { FetchJwks } from './admin-auth/fetch-jwks.ts';
import type { AdminCredentialStore } from './admin-credentials/store.ts';
import type { LastUsedRecorder } from './api-keys/last-used.ts';
import type { ApiKeyStore } from './api-keys/store.ts';
import type { MakeAuditEvent } from './audit/audit-event.ts';
import type { FailureSampler } from './audit/failure-sampler.ts';
import type { AuditStore } from './audit/store.ts';
import type { Clock } from './clock.ts';
import type { ControlPlaneConfig } from './config.ts';
import type { EdgeStore } from './edges/store.ts';
import type { Log } from './log.ts';
import type { MasterKeys } from './master-keys.ts';
import type { Metrics } from './observability/metrics.ts';
import type { Tracing } from './observability/tracing.ts';
import type { EdgeSightings } from './publication/edge-sightings.ts';
import type { FeedReader } from './publication/feed-reader.ts';
import type { PublisherReport } from './publication/feed-status.ts';
import type { RateLimiter } from './rate-limits/rate-limiter.ts';
import type { RevocationLedger } from './revocations/ledger.ts';
import type { RevocationAnnouncer } from './revocations/revocation.ts';
import type { RevocationStore } from './revocations/store.ts';
import type { SigningKeyStore } from './signing-keys/store.ts';
import type { TenantStore } from './tenants/store.ts';
import type { TenantResolver } from './tenants/tenant-resolver.ts';
import type { Attempts } from './tokens/attempts.ts';
import type { DerivedTokenVerifier } from './tokens/derived-tokens.ts';
import type { MintingParts } from './tokens/mint-token.ts';

/** Asked by `/health/ready` and by `GET /v1/admin/feed`. */
export interface PublisherStatus {
  /** Whether KV has acknowledged at least one head. Throws when the publisher cannot be reached. */
  hasPublished(): Promise<boolean>;
  /** Throws as well. */
  report(): Promise<PublisherReport>;
}

/** Asked by `/health/ready`. Throws `StoreUnavailable` when the database cannot answer. */
export interface DatabaseStatus {
  check(): Promise<void>;
}

/**
 * The address of the client itself, not of a proxy in between; `undefined` if nobody can tell. Reads
 * only what the client cannot choose: on Workers `CF-Connecting-IP`, which Cloudflare sets; on Node
 * the socket, or the configured hop of `X-Forwarded-For`. `environment` is what the application was
 * given beside the request.
 */
export type ClientAddressOf = (request: Request, environment: unknown) => string | undefined;

export interface Deps {
  readonly config: Omit<ControlPlaneConfig, 'secrets' | 'feedSigningKey'>;
  readonly keys: MasterKeys;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly clientAddressOf: ClientAddressOf;
  readonly tenants: TenantResolver;
  readonly tenantStore: TenantStore;
  readonly apiKeys: ApiKeyStore;
  /** The key of the ids of imported keys: see `api-keys/imported-key-id`. */
  readonly importPepper: () => Promise<CryptoKey>;
  readonly lastUsed: LastUsedRecorder;
  readonly rateLimiter: RateLimiter;
  readonly auditEvent: MakeAuditEvent;
  readonly auditEvents: AuditStore;
  /** The key that the audit log is sealed with. */
  readonly auditKey: () => Promise<CryptoKey>;
  readonly failures: FailureSampler;
  readonly database: DatabaseStatus;
  readonly revocationLedger: RevocationLedger;
  readonly announcer: RevocationAnnouncer;
  readonly derivedTokens: DerivedTokenVerifier;
  readonly publisher: PublisherStatus;
  /** Whether this process is on its way out: then it is not ready. Absent where none ever is. */
  readonly isStopping?: () => boolean;
  readonly minting: MintingParts;
  readonly signingKeys: SigningKeyStore;
  /** Failed exchanges. */
  readonly attempts: Attempts;
  readonly adminCredentials: AdminCredentialStore;
  /** Failed authentications of administrators: counted apart from exchanges. */
  readonly adminAttempts: Attempts;
  readonly fetchJwks: FetchJwks;
  readonly feed: FeedReader;
  readonly edgeSightings: EdgeSightings;
  readonly revocations: Pick<RevocationStore, 'highestBound'>;
  /** What the keys of caveats are derived from: see `discharges/discharge-root`. */
  readonly dischargeRoot: () => Promise<SecretRoot>;
  readonly edges: EdgeStore;
  /** What the secrets of edges are derived from: see `edges/edge-secret`. */
  readonly edgeRoot: () => Promise<SecretRoot>;
}
