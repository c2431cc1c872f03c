/** `cardea audit list`: who changed what, newest first. */

import { AUDIT_EVENTS, EVENT_OPTIONS, EVENT_OPTIONS_HELP, eventFilter } from '../audit-events.ts';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { UsageError } from '../failure.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { formatOf, printable } from '../output.ts';

const LIMIT_DEFAULT = 50;
/** The largest page of the server. */
const LIMIT_MAX = 1000;

export const auditListCommand: Command = {
  words: ['audit', 'list'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list who changed what, newest first',
  options: ['endpoint', 'format', 'limit', ...EVENT_OPTIONS],
  details: [...EVENT_OPTIONS_HELP, `--limit N (default ${LIMIT_DEFAULT}, at most ${LIMIT_MAX})`],
  async run(context) {
    const { options } = context;
    const format = formatOf(options, ['table', 'json']);
    const query = new URLSearchParams({ page_size: limitOf(options.limit) });
    const filter = eventFilter(options);
    if (filter !== '') query.set('filter', filter);
    const endpoint = endpointOf(context);
    const answer = await callJson({
      endpoint,
      method: 'GET',
      path: `${AUDIT_EVENTS}?${query}`,
      adminToken: adminTokenOf(context, endpoint),
    });
    const events = Array.isArray(answer.audit_events) ? answer.audit_events : [];
    for (const event of events) {
      context.print(format === 'json' ? JSON.stringify(event) : lineOf(event));
    }
    return 0;
  },
};

function limitOf(text = String(LIMIT_DEFAULT)): string {
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) {
    throw new UsageError(`--limit must be a number from 1 to ${LIMIT_MAX}`);
  }
  return text;
}

function lineOf(value: unknown): string {
  const event = asJsonObject(value);
  const caller = asJsonObject(event?.caller);
  const who = [textOf(caller?.kind), textOf(caller?.id)].filter((part) => part !== '').join(' ');
  const columns = [textOf(event?.time), textOf(event?.operation), textOf(event?.target_id), who];
  return printable(columns.join('  '));
}
