/** What the commands about revocations share: how they ask, and how a revocation is printed. */

import { callAsAdmin } from './admin-call.ts';
import type { CommandContext, OptionName } from './command.ts';
import { asJsonObject, textOf } from './json-object.ts';
import { formatOf, printAnswer, printable } from './output.ts';

export const REVOCATIONS = '/v1/admin/revocations';

/** Options of every command that revokes. */
export const REVOKE_OPTIONS = [
  'endpoint',
  'format',
  'reason',
  'request-id',
  'tenant',
] as const satisfies readonly OptionName[];

export const REVOKE_HELP = [
  '--reason TEXT for the list and the audit log   --request-id ID makes it safe to repeat',
  '--tenant TENANT_ID of the tenant to act on (default: the one of the host)',
];

export const UNTIL_HELP = '--until 2026-01-31T12:00:00Z (or a day): what was issued up to then';

interface Wish {
  readonly target: string;
  readonly subject?: string;
  readonly extent?: 'cut_off';
}

/** Revokes, and prints the revocation and how far it is. */
export async function revokeAndPrint(
  context: CommandContext,
  wish: Wish,
  tenant = context.options.tenant,
): Promise<number> {
  const { reason, 'request-id': requestId, until } = context.options;
  const format = formatOf(context.options, ['table', 'json']);
  const answer = await callAsAdmin(context, {
    method: 'POST',
    path: REVOCATIONS,
    json: {
      ...wish,
      ...(until === undefined ? {} : { cut_off_time: timeOf(until) }),
      ...(reason === undefined ? {} : { reason }),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    },
    ...(tenant === undefined ? {} : { tenant }),
  });
  printAnswer(context, format, answer);
  return 0;
}

/** A day stands for its beginning, UTC. What is no time, the server refuses. */
export function timeOf(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
}

/** One line of a list. */
export function revocationLine(value: unknown): string {
  const row = asJsonObject(value);
  const extent = textOf(row?.cut_off_time) || textOf(row?.extent);
  const columns = [
    ...[row?.create_time, row?.status, row?.target, row?.subject, extent, row?.cause].map(textOf),
    textOf(row?.revocation_id),
  ];
  return printable(columns.map((column) => column || '-').join('  '));
}
