/** `cardea keys update`: change fields of an API key, issued or imported. */

import { callAsAdmin } from '../admin-call.ts';
import { listOf } from '../comma-list.ts';
import type { Command, OptionValues } from '../command.ts';
import { UsageError } from '../failure.ts';
import { CHANGEABLE_HELP, CHANGEABLE_OPTIONS, changeableFields } from '../key-fields.ts';
import { keyPathOf } from '../key-path.ts';
import { formatOf, printAnswer } from '../output.ts';

export const keysUpdateCommand: Command = {
  words: ['keys', 'update'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'change fields of an API key, issued or imported',
  options: ['endpoint', 'format', 'name', ...CHANGEABLE_OPTIONS, 'update-mask', 'revoke-derived'],
  details: [
    '--name NAME',
    ...CHANGEABLE_HELP,
    'What is given is changed. --update-mask name,scopes,metadata,rate_limit_policy,ip_restriction',
    'names the fields instead: one that it names and that is not given is cleared.',
    '--revoke-derived also cuts off the tokens that were derived before.',
  ],
  async run(context) {
    const { options } = context;
    const format = formatOf(options, ['table', 'json']);
    const fields = changeableFields(options);
    const query = new URLSearchParams({ update_mask: maskOf(fields, options) });
    if (options['revoke-derived'] === true) query.set('revoke_derived', 'true');
    const path = `${keyPathOf(context)}?${query}`;
    printAnswer(
      context,
      format,
      await callAsAdmin(context, { method: 'PATCH', path, json: fields }),
    );
    return 0;
  },
};

function maskOf(fields: Readonly<Record<string, unknown>>, options: OptionValues): string {
  const given = Object.keys(fields);
  const { 'update-mask': text = given.join() } = options;
  const paths = listOf(text);
  if (paths.length === 0) throw new UsageError('nothing to change: give a field or --update-mask');
  const named = paths.map((path) => snakeCase(path.split('.')[0] ?? ''));
  const unnamed = given.find((field) => !named.includes(field));
  // The server would leave it as it is, without a word.
  if (unnamed !== undefined) throw new UsageError(`${unnamed} is given, but not in --update-mask`);
  return paths.join();
}

/** The API takes either spelling in a mask. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
