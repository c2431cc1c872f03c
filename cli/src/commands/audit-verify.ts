/** `cardea audit verify`: is the audit log whole, and does it still say what an export says? */

import { createReadStream } from 'node:fs';
import { AUDIT_EVENTS, problemText } from '../audit-events.ts';
import type { Command, CommandContext } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { adminTokenOf, endpointOf } from '../endpoint.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { parseJsonObject } from '../json-object.ts';
import { type Format, formatOf, printAnswer } from '../output.ts';
import { splitLines } from '../split-lines.ts';

/** What one call compares: the server's own limits are 500 events and a megabyte. */
const EVENTS_MAX = 500;
const CHARACTERS_MAX = 256 * 1024;

export const auditVerifyCommand: Command = {
  words: ['audit', 'verify'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'find the first audit event that was altered, removed or added (exit status 1)',
  options: ['endpoint', 'format', 'from', 'file'],
  details: [
    '--from POSITION begins there: to look behind a problem that is known already.',
    '--file EXPORT compares an export ("cardea audit export") with the log, line by line.',
  ],
  async run(context) {
    const { from, file } = context.options;
    const format = formatOf(context.options, ['table', 'json']);
    if (from !== undefined && file !== undefined)
      throw new UsageError('--from or --file, not both');
    if (from !== undefined && !/^[1-9][0-9]{0,14}$/.test(from)) {
      throw new UsageError('--from must be a position: a number from 1 on');
    }
    const endpoint = endpointOf(context);
    const adminToken = adminTokenOf(context, endpoint);
    const ask = (verb: string, json: unknown) =>
      callJson({ endpoint, method: 'POST', path: `${AUDIT_EVENTS}:${verb}`, adminToken, json });
    if (file !== undefined) return compareFile({ context, ask, format, file });
    return verifyLog({ context, ask, format, from });
  },
};

interface Work {
  readonly context: CommandContext;
  readonly ask: (verb: string, json: unknown) => ReturnType<typeof callJson>;
  readonly format: Format;
}

/** The server verifies a piece at a time. */
async function verifyLog({ context, ask, format, from }: Work & { from: string | undefined }) {
  let position: unknown = from;
  let verified = 0;
  for (;;) {
    const asked = position === undefined ? {} : { from_position: position };
    const answer = await ask('verify', asked);
    verified += Number(answer.verified_count);
    position = answer.next_position;
    if (position !== undefined && answer.problem === undefined) continue;
    const whole = { ...answer, verified_count: verified };
    const problem = problemText(answer.problem);
    printAnswer(context, format, format === 'json' ? whole : { ...whole, problem });
    if (answer.head_position === undefined) {
      context.complain('cardea: no head of the feed has a seal yet: an end cut off would not show');
    }
    return problem === undefined ? 0 : 1;
  }
}

async function compareFile({ context, ask, format, file }: Work & { file: string }) {
  let [compared, pruned] = [0, 0];
  for await (const batch of batchesOf(file)) {
    const answer = await ask('compare', { audit_events: batch.events });
    const here = Number(answer.compared_count);
    const problem = problemText(answer.problem);
    if (problem !== undefined) {
      const line = batch.lines[here] ?? 0;
      const named = format === 'json' ? answer.problem : problem;
      printAnswer(context, format, { compared_count: compared + here, line, problem: named });
      return 1;
    }
    compared += here;
    pruned += Number(answer.pruned_count);
  }
  printAnswer(context, format, { compared_count: compared, pruned_count: pruned });
  return 0;
}

interface Batch {
  readonly events: readonly object[];
  /** The number of each event's line in the file, from 1. */
  readonly lines: readonly number[];
}

async function* batchesOf(file: string): AsyncGenerator<Batch> {
  let events: object[] = [];
  let lines: number[] = [];
  let characters = 0;
  let line = 0;
  for await (const text of linesOf(file)) {
    line++;
    if (text.trim() === '') continue;
    const event = parseJsonObject(text);
    if (event === undefined) throw new CommandFailed(`line ${line} of the export is not JSON`);
    if (events.length === EVENTS_MAX || characters + text.length > CHARACTERS_MAX) {
      yield { events, lines };
      [events, lines, characters] = [[], [], 0];
    }
    events.push(event);
    lines.push(line);
    characters += text.length;
  }
  if (events.length > 0) yield { events, lines };
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield yield* splitLines(createReadStream(file));
  } catch (error) {
    // The file system names what is wrong: a file that is missing, or is not ours to read.
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new CommandFailed(`cannot read the export${code}`);
  }
}
