/**
 * Which tenant a request is for. What the store says is remembered for a few seconds, as plain data:
 * so long may a process go by what a tenant was before it was changed or deleted.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import { HOST_NAME_LENGTH_MAX, normalHostName } from './host-name.ts';
import type { StoredTenant, TenantStore } from './store.ts';
import { defaultTenant, type Tenant, type TenantDefaults, tenantOf } from './tenant.ts';

export interface TenantResolver {
  /** The tenant of a host name as the client sent it (port included), or `undefined` for none. */
  byHost(host: string): Promise<Tenant | undefined>;
  /** The tenant with this id, or `undefined`. */
  byId(tenantId: string): Promise<Tenant | undefined>;
  /** Every tenant, the default one first: for the publisher. */
  all(): Promise<readonly Tenant[]>;
  /** Forgets what is remembered: this process has just changed a tenant. */
  forget(): void;
}

export interface ResolverParts {
  readonly store: Pick<TenantStore, 'find' | 'findByHost' | 'list'>;
  readonly config: TenantDefaults & Pick<ControlPlaneConfig, 'defaultTenantHosts' | 'unknownHost'>;
  readonly clock: Clock;
}

/** How long a tenant is remembered, and how long it is that there was none, milliseconds. */
export const TENANT_REMEMBERED_MILLISECONDS = 5000;
export const NO_TENANT_REMEMBERED_MILLISECONDS = 1000;

/** Answers remembered at a time: whoever sends requests chooses the host names. */
const REMEMBERED_MAX = 1000;

/** Tenants read at a time: bounds one answer of the database (about 500 bytes a row). */
const ROWS_MAX = 500;

export function createTenantResolver({ store, config, clock }: ResolverParts): TenantResolver {
  const byDefault = defaultTenant(config);
  const ofUnknownHost = config.unknownHost === 'refuse' ? undefined : byDefault;
  const nameOf = rememberedNames();
  const hosts = new Memory(clock);
  const ids = new Memory(clock);
  const toTenant = ({ tenantId, settings }: StoredTenant) => tenantOf(tenantId, settings, config);

  return {
    async byHost(text) {
      const host = nameOf(text);
      if (host === undefined) return ofUnknownHost;
      if (config.defaultTenantHosts.includes(host)) return byDefault;
      const stored = await hosts.recall(host, () => store.findByHost(host));
      return stored === undefined ? ofUnknownHost : toTenant(stored);
    },

    async byId(tenantId) {
      if (tenantId === DEFAULT_TENANT_ID) return byDefault;
      const stored = await ids.recall(tenantId, () => store.find(tenantId));
      return stored === undefined ? undefined : toTenant(stored);
    },

    async all() {
      const tenants = [byDefault];
      let afterTenantId: string | undefined;
      do {
        const position = afterTenantId === undefined ? {} : { afterTenantId };
        const page = await store.list({ pageSize: ROWS_MAX, ...position });
        tenants.push(...page.tenants.map(toTenant));
        afterTenantId = page.nextAfterTenantId;
      } while (afterTenantId !== undefined);
      return tenants;
    },

    forget() {
      hosts.clear();
      ids.clear();
    },
  };
}

/** `normalHostName`, which reads a whole URL: nearly every request has the same host as the last. */
function rememberedNames(): (text: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (text) => {
    if (known.has(text)) return known.get(text);
    const name = normalHostName(text);
    if (known.size >= REMEMBERED_MAX) known.clear();
    if (text.length <= HOST_NAME_LENGTH_MAX) known.set(text, name);
    return name;
  };
}

interface Remembered {
  readonly tenant: StoredTenant | undefined;
  readonly readAt: UnixMilliseconds;
}

/** The last answers of the store. Finished ones only: no promise outlives the request that made it. */
class Memory {
  readonly #clock: Clock;
  readonly #known = new Map<string, Remembered>();
  /** Grows with each `clear`: an answer that was asked for before is not kept. */
  #generation = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async recall(
    name: string,
    read: () => Promise<StoredTenant | undefined>,
  ): Promise<StoredTenant | undefined> {
    const readAt = this.#clock.now();
    const known = this.#known.get(name);
    if (known !== undefined && isFresh(known, readAt)) return known.tenant;
    const generation = this.#generation;
    const tenant = await read();
    if (generation === this.#generation) this.#keep(name, { tenant, readAt });
    return tenant;
  }

  clear(): void {
    this.#generation++;
    this.#known.clear();
  }

  #keep(name: string, remembered: Remembered): void {
    this.#known.delete(name);
    this.#known.set(name, remembered);
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

function isFresh({ tenant, readAt }: Remembered, now: UnixMilliseconds): boolean {
  const age = now - readAt;
  const ageMax =
    tenant === undefined ? NO_TENANT_REMEMBERED_MILLISECONDS : TENANT_REMEMBERED_MILLISECONDS;
  return age >= 0 && age < ageMax;
}
