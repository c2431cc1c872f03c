/** `cardea admins list`: every admin credential in reach, without its secret. */

import { ADMIN_CREDENTIALS } from '../admin-credentials.ts';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { formatOf, printable } from '../output.ts';

/** The largest page of the server. */
const PAGE_SIZE = '1000';

export const adminsListCommand: Command = {
  words: ['admins', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list the admin credentials, revoked and expired ones included',
  options: ['endpoint', 'format'],
  details: ['A line has id, role, status, tenant (* for every one), end and name.'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    let pageToken = '';
    do {
      const query = new URLSearchParams({ page_size: PAGE_SIZE, page_token: pageToken });
      const path = `${ADMIN_CREDENTIALS}?${query}`;
      const answer = await callJson({ endpoint, method: 'GET', path, adminToken });
      const { admin_credentials: page } = answer;
      for (const credential of Array.isArray(page) ? page : []) {
        context.print(format === 'json' ? JSON.stringify(credential) : lineOf(credential));
      }
      pageToken = textOf(answer.next_page_token);
    } while (pageToken !== '');
    return 0;
  },
};

function lineOf(value: unknown): string {
  const credential = asJsonObject(value) ?? {};
  const { credential_id, role, status, tenant_id = '*', expire_time, name } = credential;
  const columns = [credential_id, role, status, tenant_id, expire_time, name];
  return printable(columns.map(textOf).join('  '));
}
