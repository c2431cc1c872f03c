/** `cardea keys import`: take over an API key that another system made. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command, CommandContext } from '../command.ts';
import { UsageError } from '../failure.ts';
import { NEW_KEY_HELP, NEW_KEY_OPTIONS, newKeyFields } from '../key-fields.ts';
import { IMPORTED_KEYS } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysImportCommand: Command = {
  words: ['keys', 'import'],
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  summary: 'import an API key of another system, from standard input',
  options: ['endpoint', 'format', ...NEW_KEY_OPTIONS, 'raw-key-sha256'],
  details: [
    'The key is read from standard input, without the end of its line: never from the command line,',
    'where the history of the shell and ps would show it. --raw-key-sha256 HEX imports one that is',
    'known by its SHA-256 alone.',
    '--actor whom the key belongs to (required)',
    "--ttl 24h, 90d, 3600s (default: the server's)",
    ...NEW_KEY_HELP,
  ],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const fields = newKeyFields(context.operands[0] ?? '', context.options);
    const json = { ...fields, ...(await rawKeyField(context)) };
    const call = { method: 'POST', path: IMPORTED_KEYS, json } as const;
    printAnswer(context, format, await callAsAdmin(context, call));
    return 0;
  },
};

async function rawKeyField({ options, readInput }: CommandContext) {
  const { 'raw-key-sha256': hash } = options;
  if (hash !== undefined) {
    if (/^[0-9a-fA-F]{64}$/.test(hash)) return { raw_key_sha256: hash };
    throw new UsageError('--raw-key-sha256 must be 64 hexadecimal digits');
  }
  // All of it is the key, spaces too, but for the end of line that echo and editors add.
  const text = ((await readInput()) ?? '').replace(/\r?\n$/, '');
  if (text === '') throw new UsageError('no key on standard input, and no --raw-key-sha256');
  if (text.includes('\n')) throw new UsageError('more than one line on standard input');
  // What is not UTF-8 was replaced on reading: another key would be imported than the one meant.
  if (text.includes('\u{fffd}')) throw new UsageError('the key on standard input is not UTF-8');
  return { raw_key: text };
}
