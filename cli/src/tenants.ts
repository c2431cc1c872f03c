/** What the commands about tenants share: where they are, and how their fields are written. */

import { listOf } from './comma-list.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { UsageError } from './failure.ts';

export const TENANTS = '/v1/admin/tenants';

export const SETTINGS_HELP = [
  '--host NAME, once for each host name',
  '--set FIELD=VALUE, once for each of: issuer, audience, api_key_prefix, public_api_key_prefix,',
  '  retired_api_key_prefixes (a,b), api_key_ttl_default, api_key_ttl_max (24h, 90d),',
  '  derived_token_ttl_default, derived_token_ttl_max, api_keys_max',
];

/** The path of the tenant that the first operand names. */
export function tenantPathOf({ operands }: Pick<CommandContext, 'operands'>): string {
  const [tenantId = ''] = operands;
  if (tenantId === '') throw new UsageError('TENANT_ID is empty');
  return `${TENANTS}/${encodeURIComponent(tenantId)}`;
}

/** Fields whose value is a list. */
const LISTS = ['hosts', 'retired_api_key_prefixes'];

const ASSIGNMENT = /^([a-z_]+)=(.*)$/s;

/** The fields of `--set` and `--host`. What they may be, the server says. */
export function fieldsOf({ host, set = [] }: OptionValues): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const text of set) {
    const [, name, value = ''] = ASSIGNMENT.exec(text) ?? [];
    if (name === undefined) throw new UsageError('--set must be FIELD=VALUE');
    if (name in fields) throw new UsageError(`--set gives ${name} twice`);
    fields[name] = LISTS.includes(name) ? listOf(value) : value;
  }
  if (host !== undefined && 'hosts' in fields) {
    throw new UsageError('--host and --set hosts=… say the same');
  }
  return host === undefined ? { ...fields } : { ...fields, hosts: host };
}
