/** `cardea audit export`: every audit event as a line of JSON. */

import { AUDIT_EVENTS, EVENT_OPTIONS, EVENT_OPTIONS_HELP, eventFilter } from '../audit-events.ts';
import type { Command } from '../command.ts';
import { callLines } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';

export const auditExportCommand: Command = {
  words: ['audit', 'export'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'print audit events as JSON, one a line, newest first',
  options: ['endpoint', ...EVENT_OPTIONS],
  details: [
    ...EVENT_OPTIONS_HELP,
    'Exit status 0 only if the export is complete. Keep it where the database cannot reach it:',
    '"cardea audit verify --file" compares it with the log later.',
  ],
  async run(context) {
    const filter = eventFilter(context.options);
    const query = filter === '' ? '' : `?${new URLSearchParams({ filter })}`;
    const endpoint = endpointOf(context);
    const lines = callLines({
      endpoint,
      method: 'GET',
      path: `${AUDIT_EVENTS}:export${query}`,
      adminToken: adminTokenOf(context, endpoint),
    });
    for await (const line of lines) context.print(line);
    return 0;
  },
};
