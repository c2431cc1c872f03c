/** What only Workers know beside the settings of `config.ts`: bindings. */

import { type ControlPlaneConfig, readSharedSettings } from './config.ts';
import { ConfigInvalid, SettingsSource } from './config-source.ts';

export interface ControlPlaneBindings {
  /** `HYPERDRIVE` if it is bound, else `DB`. */
  readonly database: D1Database | Hyperdrive;
  readonly feed: KVNamespace;
  readonly hub: DurableObjectNamespace;
  readonly attempts: DurableObjectNamespace;
  readonly limits: DurableObjectNamespace;
}

export interface WorkersConfig extends ControlPlaneConfig {
  readonly bindings: ControlPlaneBindings;
}

const parsed = new WeakMap<object, WorkersConfig>();

/** The configuration of this isolate, parsed at first use. Throws {@link ConfigInvalid}. */
export function readConfig(env: object): WorkersConfig {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const config = parseConfig(env);
  parsed.set(env, config);
  return config;
}

/** Throws {@link ConfigInvalid} with every problem at once. */
export function parseConfig(env: object): WorkersConfig {
  const source = new SettingsSource(env);
  const config = {
    ...readSharedSettings(source),
    bindings: {
      database:
        Reflect.get(env, 'HYPERDRIVE') === undefined
          ? source.binding<D1Database>('DB')
          : source.binding<Hyperdrive>('HYPERDRIVE'),
      feed: source.binding<KVNamespace>('FEED'),
      hub: source.binding<DurableObjectNamespace>('HUB'),
      attempts: source.binding<DurableObjectNamespace>('ATTEMPTS'),
      limits: source.binding<DurableObjectNamespace>('LIMITS'),
    },
  };
  if (source.problems.length > 0) throw new ConfigInvalid(source.problems);
  return config;
}
