/** `cardea keys list`: a page of the issued API keys, or of the imported ones. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command, OptionValues } from '../command.ts';
import { UsageError } from '../failure.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { IMPORTED_KEYS, ISSUED_KEYS } from '../key-path.ts';
import { formatOf, printAnswer, printable, quoted } from '../output.ts';

const STATUSES = ['active', 'disabled', 'expired', 'revoked'];
/** The largest page of the server. */
const PAGE_SIZE_MAX = 1000;

export const keysListCommand: Command = {
  words: ['keys', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list API keys, a page at a time',
  options: ['endpoint', 'format', 'imported', 'actor', 'status', 'page-size', 'page-token'],
  details: [
    'A line has id, name, actor, status and end. --imported lists imported keys, not issued ones.',
    `--actor ID   --status ${STATUSES.join('|')}`,
    `--page-size N (default 50, at most ${PAGE_SIZE_MAX})   --page-token goes on after a page`,
  ],
  async run(context) {
    const { options } = context;
    const format = formatOf(options, ['table', 'json']);
    const path = `${options.imported === true ? IMPORTED_KEYS : ISSUED_KEYS}${queryOf(options)}`;
    const answer = await callAsAdmin(context, { method: 'GET', path });
    if (format === 'json') {
      printAnswer(context, 'json', answer);
      return 0;
    }
    const { issued_api_keys: issued, imported_api_keys: imported = issued } = answer;
    for (const key of Array.isArray(imported) ? imported : []) context.print(lineOf(key));
    const next = textOf(answer.next_page_token);
    if (next !== '') context.complain(`cardea: there are more: --page-token ${printable(next)}`);
    return 0;
  },
};

function queryOf(options: OptionValues): string {
  const { 'page-size': pageSize, 'page-token': pageToken } = options;
  const filter = filterOf(options);
  const query = new URLSearchParams();
  if (filter !== '') query.set('filter', filter);
  if (pageSize !== undefined) query.set('page_size', pageSizeOf(pageSize));
  if (pageToken !== undefined) query.set('page_token', pageToken);
  return query.size === 0 ? '' : `?${query}`;
}

function filterOf({ actor, status }: OptionValues): string {
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new UsageError(`--status must be one of ${STATUSES.join(', ')}`);
  }
  const clauses = [
    ...(actor === undefined ? [] : [`actor_id=${quoted(actor)}`]),
    ...(status === undefined ? [] : [`status=KEY_STATUS_${status.toUpperCase()}`]),
  ];
  return clauses.join(' AND ');
}

function pageSizeOf(text: string): string {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > PAGE_SIZE_MAX) {
    throw new UsageError(`--page-size must be a number from 1 to ${PAGE_SIZE_MAX}`);
  }
  return text;
}

function lineOf(value: unknown): string {
  const { key_id, name, actor_id, status, expire_time } = asJsonObject(value) ?? {};
  const shortStatus = textOf(status).replace('KEY_STATUS_', '').toLowerCase();
  const columns = [key_id, name, actor_id, shortStatus, expire_time];
  return printable(columns.map(textOf).join('  '));
}
