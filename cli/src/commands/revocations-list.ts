/** `cardea revocations list`: what has been revoked, by whatever operation, newest first. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command, OptionValues } from '../command.ts';
import { UsageError } from '../failure.ts';
import { formatOf, quoted } from '../output.ts';
import { REVOCATIONS, revocationLine, timeOf } from '../revocations.ts';

const LIMIT_DEFAULT = 50;
/** The largest page of the server. */
const LIMIT_MAX = 1000;

export const revocationsListCommand: Command = {
  words: ['revocations', 'list'],
  operands: '[SUBJECT]',
  operandCount: { min: 0, max: 1 },
  summary: 'list what has been revoked, by whatever operation, newest first',
  options: ['endpoint', 'format', 'limit', 'since', 'status', 'target', 'tenant', 'until'],
  details: [
    'SUBJECT: a jti, a key id, an actor, a tenant id or a kid',
    '--target token|key|actor|tenant|signing_key|everything',
    '--status waiting|accepted|acknowledged|published|ended',
    '--since 2026-01-31 or 2026-01-31T12:00:00Z (inclusive)   --until the same (exclusive)',
    `--limit N (default ${LIMIT_DEFAULT}, at most ${LIMIT_MAX})   --tenant TENANT_ID`,
  ],
  async run(context) {
    const { options } = context;
    const format = formatOf(options, ['table', 'json']);
    const query = new URLSearchParams({ page_size: limitOf(options.limit) });
    const filter = filterOf(options, context.operands[0]);
    if (filter !== '') query.set('filter', filter);
    const answer = await callAsAdmin(context, {
      ...{ method: 'GET', path: `${REVOCATIONS}?${query}` },
      ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    });
    const rows = Array.isArray(answer.revocations) ? answer.revocations : [];
    for (const row of rows) {
      context.print(format === 'json' ? JSON.stringify(row) : revocationLine(row));
    }
    return 0;
  },
};

function filterOf(options: OptionValues, subject: string | undefined): string {
  const { since, status, target, until } = options;
  const clauses = [
    subject === undefined ? '' : `subject=${quoted(subject)}`,
    target === undefined ? '' : `target=${quoted(target)}`,
    status === undefined ? '' : `status=${quoted(status)}`,
    since === undefined ? '' : `create_time>=${quoted(timeOf(since))}`,
    until === undefined ? '' : `create_time<${quoted(timeOf(until))}`,
  ];
  return clauses.filter((clause) => clause !== '').join(' AND ');
}

function limitOf(text = String(LIMIT_DEFAULT)): string {
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return text;
  throw new UsageError(`--limit must be a number from 1 to ${LIMIT_MAX}`);
}
