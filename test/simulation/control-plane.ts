/**
 * The control plane of a run: the shipped stores and operations on a database that may be away, with
 * the announcer that belongs to the runtime. What happens to keys and tokens is decided by `callers`.
 */

import type { NewApiKey } from '@cardea/control-plane/api-keys/store';
import { auditKeyReader, createEventRecorder } from '@cardea/control-plane/audit/event-recorder';
import { answered } from '@cardea/control-plane/database/answered';
import type { Stores } from '@cardea/control-plane/database/stores';
import { createD1Stores } from '@cardea/control-plane/database/stores.d1';
import type { Deps } from '@cardea/control-plane/deps';
import type { Log } from '@cardea/control-plane/log';
import { deriveMasterKeys } from '@cardea/control-plane/master-keys';
import { createTruth } from '@cardea/control-plane/publication/create-truth';
import type { Truth } from '@cardea/control-plane/publication/truth';
import { createRevocations } from '@cardea/control-plane/revocations/create-revocations';
import type { RevocationAnnouncer } from '@cardea/control-plane/revocations/revocation';
import type { RevocationWish } from '@cardea/control-plane/revocations/target';
import { Secret } from '@cardea/control-plane/secret';
import { actorSaltReader } from '@cardea/control-plane/tokens/actor-salt';
import { createActorScopes } from '@cardea/control-plane/tokens/actor-scopes';
import { createDerivedTokenVerifier } from '@cardea/control-plane/tokens/derived-token-verifier';
import { type MintOutcome, mintToken } from '@cardea/control-plane/tokens/mint-token';
import type { TokenParent } from '@cardea/control-plane/tokens/token-parent';
import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import type { D1StandIn } from './d1-stand-in.ts';
import { KeyPool, signToken } from './key-pool.ts';
import { ENVIRONMENT_ID, type Setting, TENANT } from './setting.ts';
import type { World } from './world.ts';

const KEYS = await deriveMasterKeys({ secrets: [new Secret('a master secret of the simulation')] });
const CALLER = { kind: 'bootstrap', id: '', requestId: 'simulated' } as const;

export interface ControlPlaneParts {
  readonly world: World;
  readonly setting: Setting;
  readonly database: D1StandIn;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  readonly log: Log;
}

export class ControlPlane {
  readonly stores: Stores;
  readonly truth: Truth;
  announcer: RevocationAnnouncer = {
    announce: async () => 'accepted',
    acknowledgesCommits: false,
  };
  readonly #parts: ControlPlaneParts;
  readonly #pool = new KeyPool();
  readonly #minting;
  readonly #auditEvent;
  readonly #verifier;

  constructor(parts: ControlPlaneParts) {
    const { database, randomBytes, log, setting } = parts;
    this.#parts = parts;
    this.stores = createD1Stores(database as never);
    const { audit, edges, replacedKeys, restorations, revocations, signingKeys } = this.stores;
    const { secrets: store } = this.stores;
    const macaroonKeys = async () => ({ keys: new Map() }) as never; // Here are none.
    const secrets = { store, keyEncryption: KEYS.keyEncryption, randomBytes };
    this.#auditEvent = createEventRecorder({ auditKey: auditKeyReader(secrets), randomBytes });
    const clock = { now: () => unixMilliseconds(parts.world.now) };
    const config = { ...setting, environmentId: ENVIRONMENT_ID, macaroonEpochSeconds: 86_400 };
    this.#verifier = createDerivedTokenVerifier({
      ...{ config, signingKeys, revocations, clock, macaroonKeys },
    });
    this.#minting = {
      store: this.stores.minting,
      sign: signToken,
      macaroonKeys,
      actorScopes: createActorScopes(actorSaltReader(secrets)),
      randomBytes,
      sleep: (milliseconds: number) => parts.world.sleep(milliseconds),
    };
    const truth = createTruth({
      ...{
        config,
        clock,
        revocations,
        signingKeys,
        restorations,
        secrets: store,
        randomBytes,
        log,
      },
      ...{ edges, replacedKeys },
      tenants: async () => [TENANT],
      auditEvents: audit,
      keyEncryption: KEYS.keyEncryption,
    });
    const generateSigningKey = async (tenantId: string) => this.#pool.next(tenantId);
    // Macaroon keys have a life of their own, by epochs; here are none.
    this.truth = { ...truth, generateSigningKey, sealKeys: async () => [] };
  }

  /** What the operations that are driven here take of everything that a control plane has. */
  get deps(): Deps {
    const { randomBytes, setting, world } = this.#parts;
    const { apiKeys, revocationLedger, signingKeys } = this.stores;
    const used = {
      ...{ apiKeys, revocationLedger, signingKeys, randomBytes, keys: KEYS, config: setting },
      ...{ auditEvent: this.#auditEvent, announcer: this.announcer, minting: this.#minting },
      clock: { now: () => unixMilliseconds(world.now) },
      tenants: { byId: async () => TENANT },
    };
    return used satisfies { [Name in keyof Deps]?: unknown } as never;
  }

  async issueKey(actorId: string): Promise<string> {
    const keyId = this.newUuid();
    const key: NewApiKey = {
      ...{ tenantId: DEFAULT_TENANT_ID, keyId, kind: 'issued', name: 'n', actorId, scopes: ['s'] },
      ...{ visibility: 'secret', secretHash: '00'.repeat(32), ttlSeconds: 86_400 },
    };
    const audit = await this.#auditEvent({
      ...{ tenantId: DEFAULT_TENANT_ID, operation: 'api_key.issue', targetId: keyId },
      ...{ caller: CALLER, changes: {} },
    });
    await this.stores.apiKeys.insert({ key, audit });
    return keyId;
  }

  async mint(keyId: string, lifetimeSeconds: number): Promise<MintOutcome> {
    const stored = await this.stores.apiKeys.find(DEFAULT_TENANT_ID, keyId);
    if (stored === undefined) return { outcome: 'not_ready' };
    return this.#mintFrom({ kind: 'api_key', key: stored.key }, lifetimeSeconds);
  }

  /** A token of a token. */
  async derive(text: string, lifetimeSeconds: number): Promise<MintOutcome> {
    const claims = await this.#verifier.verify(text, TENANT);
    if (!claims.ok) return { outcome: 'parent_refused', refusal: claims.refusal };
    return this.#mintFrom(
      { kind: 'derived_token', ...claims.value, carriedCaveats: [] },
      lifetimeSeconds,
    );
  }

  /** How it was announced, or why it was not done. */
  async revoke(wish: RevocationWish): Promise<string> {
    const request = { tenant: TENANT, caller: CALLER, wishes: [wish] };
    const created = await createRevocations(this.deps, request);
    return 'announcement' in created ? created.announcement : created.outcome;
  }

  /**
   * So many tokens at once, each with an end of its own: tokens that were minted earlier and will end
   * earlier. Written as rows; the operation for batches has tests of its own.
   */
  async revokeMany(count: number): Promise<void> {
    const { database, randomBytes, setting } = this.#parts;
    const lives = setting.derivedTokenTtlMaxSeconds + setting.clockSkewSeconds;
    const rows = Array.from({ length: count }, () => {
      const bytes = randomBytes(10);
      const scopeId = Buffer.from(bytes.subarray(0, 8)).toString('hex');
      const expiresIn = Math.max(60, Math.floor((lives * (bytes[8] ?? 0)) / 255));
      return [this.newUuid(), scopeId, expiresIn];
    });
    const statement = database.prepare(
      `INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
         effective_at_s, expires_at_s, acknowledged)
       SELECT value ->> 0, ?, 'token', value ->> 1, ?, 'simulated', unixepoch(), unixepoch(),
         unixepoch() + (value ->> 2), 0 FROM json_each(?) WHERE TRUE RETURNING *`,
    );
    const bound = statement.bind(DEFAULT_TENANT_ID, FOR_GOOD, JSON.stringify(rows));
    await answered(bound.all());
  }

  /** A new pending signing key; its predecessor retires when it takes over. */
  async rotateSigningKey(): Promise<void> {
    const key = this.#pool.next(DEFAULT_TENANT_ID);
    const audit = await this.#auditEvent({
      ...{ tenantId: DEFAULT_TENANT_ID, operation: 'signing_key.rotate', targetId: key.kid },
      ...{ caller: CALLER, changes: {} },
    });
    await this.stores.signingKeys.insertPending(key, audit);
  }

  newUuid(): string {
    return formatUuid(uuidV4FromRandom(this.#parts.randomBytes(16)));
  }

  #mintFrom(parent: TokenParent, lifetimeSeconds: number): Promise<MintOutcome> {
    const terms = {
      tenant: TENANT,
      form: 'jwt',
      scopes: [],
      customClaims: {},
      lifetimeSeconds,
    } as const;
    return mintToken(this.#minting, parent, { ...terms, whenDefaultTooLong: 'shorten' });
  }
}
