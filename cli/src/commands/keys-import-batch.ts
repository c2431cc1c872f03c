/** `cardea keys import-batch`: import many API keys of another system, with an outcome for each. */

import { readFile } from 'node:fs/promises';
import { callAsAdmin } from '../admin-call.ts';
import type { Command, CommandContext } from '../command.ts';
import { CommandFailed, ControlPlaneRefused, UsageError } from '../failure.ts';
import { type ImportBatch, readImportFile } from '../import-file.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { IMPORTED_KEYS } from '../key-path.ts';
import { formatOf, printable } from '../output.ts';

export const keysImportBatchCommand: Command = {
  words: ['keys', 'import-batch'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'import many API keys, with an outcome for each (exit status 1: one failed)',
  options: ['endpoint', 'format', 'file'],
  details: [
    '--file PATH (required), or - for standard input: a JSON array, or one JSON object a line, each',
    'like {"name":"ci","actor_id":"alice","raw_key":"…","scopes":["a"],"ttl":"90d"}.',
    'A line of the answer has the place in the file, from 0, then the id of the key, or the error.',
    'With a "request_id" in each, the command is safe to repeat.',
  ],
  async run(context) {
    const isJson = formatOf(context.options, ['table', 'json']) === 'json';
    const batches = readImportFile(await readText(context));
    let failures = 0;
    for (const batch of batches) {
      for (const outcome of await importBatch(context, batch)) {
        if (outcome.error_message !== undefined) failures += countOf(outcome);
        context.print(isJson ? JSON.stringify(outcome) : lineOf(outcome));
      }
    }
    const last = batches.at(-1);
    const total = (last?.firstIndex ?? 0) + (last?.requests.length ?? 0);
    context.complain(`cardea: ${total - failures} imported, ${failures} failed`);
    return failures === 0 ? 0 : 1;
  },
};

async function readText({ options: { file }, readInput }: CommandContext): Promise<string> {
  if (file === undefined || file === '') throw new UsageError('--file is required: a path, or -');
  if (file === '-') return (await readInput()) ?? '';
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new CommandFailed(`cannot read the file${code}`);
  }
}

interface Outcome {
  readonly index: number;
  /** Set where one refusal is the outcome of all requests from `index` to this. */
  readonly last_index?: number;
  readonly error_message?: string;
  readonly [member: string]: unknown;
}

/** What the server answers to a batch none of which it imports: with its most frequent refusal. */
const NONE_IMPORTED = [400, 402, 409];

async function importBatch(context: CommandContext, batch: ImportBatch): Promise<Outcome[]> {
  const { firstIndex, requests } = batch;
  try {
    const path = `${IMPORTED_KEYS}:batchCreate`;
    const { results } = await callAsAdmin(context, { method: 'POST', path, json: { requests } });
    if (Array.isArray(results) && results.length === requests.length) {
      return results.map((result, i) => ({ ...asJsonObject(result), index: firstIndex + i }));
    }
    throw new CommandFailed('the control plane answered without an outcome for each key');
  } catch (error) {
    if (error instanceof ControlPlaneRefused && NONE_IMPORTED.includes(error.status)) {
      const last_index = firstIndex + requests.length - 1;
      return [{ index: firstIndex, last_index, error_message: `none imported: ${error.message}` }];
    }
    if (!(error instanceof CommandFailed)) throw error;
    throw new CommandFailed(`from ${firstIndex} on the outcome is not known: ${error.message}`);
  }
}

function countOf({ index, last_index: lastIndex = index }: Outcome): number {
  return lastIndex - index + 1;
}

function lineOf(outcome: Outcome): string {
  const { error_code, error_message: message, imported_api_key, index } = outcome;
  const key = asJsonObject(imported_api_key);
  const place = countOf(outcome) === 1 ? `${index}` : `${index}-${outcome.last_index}`;
  const code = textOf(error_code).replace('BATCH_CREATE_IMPORTED_API_KEYS_ERROR_', '');
  const columns = message === undefined ? [key?.key_id, key?.name] : [code, message];
  return printable([place, ...columns.map(textOf).filter((text) => text !== '')].join('  '));
}
