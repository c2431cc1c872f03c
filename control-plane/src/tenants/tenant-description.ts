/** What administrators say of a tenant, brought into its normal form and held against the rules. Pure. */

import type { ControlPlaneConfig } from '../config.ts';
import { TENANT_HOSTS_MAX } from '../limits.ts';
import { normalHostName } from './host-name.ts';
import type { TenantDefaults, TenantSettings } from './tenant.ts';
import { brokenSettingsRule } from './tenant-settings.ts';

export interface TenantDescription {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly settings: TenantSettings;
}

/** `rule` is public text: the field and what it must be. */
export type DescriptionProblem =
  | { readonly outcome: 'invalid'; readonly rule: string }
  /** By the default tenant. */
  | { readonly outcome: 'host_taken' };

type Rules = TenantDefaults & Pick<ControlPlaneConfig, 'defaultTenantHosts'>;

/** The name's own length is the schema's to check. */
export function normalDescription(
  { name, hosts, settings }: TenantDescription,
  rules: Rules,
): DescriptionProblem | { readonly outcome: 'normal'; readonly description: TenantDescription } {
  const normal = hosts.map(normalHostName);
  if (!normal.every((host) => host !== undefined)) return { outcome: 'invalid', rule: HOSTS_RULE };
  const distinct = [...new Set(normal)].sort();
  if (distinct.length > TENANT_HOSTS_MAX) return { outcome: 'invalid', rule: HOSTS_COUNT_RULE };
  const rule = brokenSettingsRule(settings, rules);
  if (rule !== undefined) return { outcome: 'invalid', rule };
  const { defaultTenantHosts } = rules;
  if (distinct.some((host) => defaultTenantHosts.includes(host))) return { outcome: 'host_taken' };
  return { outcome: 'normal', description: { name, hosts: distinct, settings } };
}

const HOSTS_RULE = 'hosts: each must be a host name or an address; wildcards are not supported';
const HOSTS_COUNT_RULE = `hosts: must have at most ${TENANT_HOSTS_MAX} elements`;
