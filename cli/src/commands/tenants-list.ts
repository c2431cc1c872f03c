/** `cardea tenants list`: list the tenants, the default one first. */

import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { formatOf, printable } from '../output.ts';
import { TENANTS } from '../tenants.ts';

export const tenantsListCommand: Command = {
  words: ['tenants', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list the tenants, the default one first',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    let pageToken = '';
    do {
      const path = `${TENANTS}?${new URLSearchParams({ page_token: pageToken })}`;
      const answer = await callJson({ endpoint, method: 'GET', path, adminToken });
      for (const tenant of Array.isArray(answer.tenants) ? answer.tenants : []) {
        context.print(format === 'json' ? JSON.stringify(tenant) : lineOf(tenant));
      }
      pageToken = textOf(answer.next_page_token);
    } while (pageToken !== '');
    return 0;
  },
};

function lineOf(value: unknown): string {
  const tenant = asJsonObject(value);
  const hosts = Array.isArray(tenant?.hosts) ? tenant.hosts.map(textOf) : [];
  return printable([textOf(tenant?.tenant_id), textOf(tenant?.name), ...hosts].join('  '));
}
